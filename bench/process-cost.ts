import { readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second on every Linux that Node runs on (`getconf CLK_TCK`). */
const ticksPerSecond = 100;

/** CPU time that a process has used, user and system, seconds. NaN where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** CPU time that the ended children of this process have used, seconds. NaN where there is no /proc. */
export function cpuSecondsOfEndedChildren(): number {
  const fields = statOf('self');
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

/** As proc(5) names and counts them, from the third on. */
function statOf(process: number | 'self'): string[] {
  const text = textOf(`/proc/${process}/stat`);
  // The second field is the command in parentheses, which may hold spaces: fields are counted behind it.
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Memory that is resident now, MB (10^6 bytes). NaN where there is no /proc. */
export function residentMegabytesOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(textOf(`/proc/${pid}/status`))?.[1] ?? Number.NaN) / 1_000;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
