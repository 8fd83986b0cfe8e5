import type { ServiceProcess } from '@notion-mirror/demo/service-process';

/** A metric of a service, summed over all labels, or over those series that have `label` (`name="value"`); 0 where it has none of it. */
export async function metricOf({ opsUrl }: Pick<ServiceProcess, 'opsUrl'>, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const series = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  const values = series.filter((line) => line.includes(label));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
