import type { ServiceProcess } from '@notion-mirror/demo/service-process';

/** A metric of a service, summed over all labels; 0 where it has none of it. */
export async function metricOf({ opsUrl }: Pick<ServiceProcess, 'opsUrl'>, name: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const values = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
