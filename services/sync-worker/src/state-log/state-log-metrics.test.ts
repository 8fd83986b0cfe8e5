import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { expect, test } from 'vitest';
import { createStateLogMetrics } from './state-log-metrics.ts';

// With one number for all logs, a log that no worker appends to is hidden by the other.
test('each state log has a leader and a lag of its own', async () => {
  const metrics = createMetrics('test');
  const meterOf = createStateLogMetrics(metrics);
  const [databases, rows] = [meterOf('database'), meterOf('row')];
  const valuesOf = async (name: string) =>
    Object.fromEntries(
      (await metrics.getSingleMetric(`notion_mirror_state_log_${name}`)!.get()).values.map(({ labels, value }) => [labels['log'], value]),
    );

  databases.leads(true);
  databases.leads(true);
  databases.behindSince(null);
  rows.appended('state');
  expect(await valuesOf('leader')).toEqual({ database: 1, row: 0 });
  expect(await valuesOf('lag_seconds')).toEqual({ database: 0 });
  expect(await valuesOf('appended_total')).toEqual({ row: 1 });

  rows.leads(true);
  rows.behindSince(new Date(0));
  databases.leads(false);
  expect(await valuesOf('leader')).toEqual({ database: 0, row: 1 });
  expect(await valuesOf('lag_seconds')).toEqual({ row: expect.closeTo(Date.now() / 1000, -2) });
});
