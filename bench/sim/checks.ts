import { short } from '../figure-text.ts';
import { table } from '../report.ts';
import { figureOf, type StoredResult } from '../results.ts';
import { eventsByCallMs, nameOfWorkers } from '../scenarios/workers.ts';
import { calibrationOfWrites, type Calibration } from './calibration.ts';
import { latencyOf, simulate } from './simulate.ts';
import { worlds } from './worlds.ts';

export interface Check {
  readonly figure: string;
  readonly simulated: number;
  readonly measured: number;
}

export function checkTable(checks: readonly Check[]): string {
  const rows = checks.map(({ figure, simulated, measured }) => {
    const deviation = `${Math.round(((simulated - measured) / measured) * 100)} %`;
    return [figure, short(simulated), short(measured), deviation];
  });
  return table(['figure', 'simulated', 'measured', 'deviation'], rows).join('\n');
}

/** The simulation beside what was measured: latencies and rates, none of which the calibration uses. One that was not measured is left out. */
export function checksOf(results: readonly StoredResult[], calibration: Calibration): readonly Check[] {
  const run = (world: Parameters<typeof simulate>[0]) => simulate(world, calibration);
  const workers = [...eventsByCallMs].flatMap(([callMs, events]) =>
    [1, 2].map((count) => {
      const name = nameOfWorkers(count, callMs);
      return check(`${name}: documents/s`, 'workers', name, 'documents', () => run(worlds.workers(count, callMs, events)).perSecond);
    }),
  );
  const quietP50 = (isHot: boolean) => latencyOf(run(worlds.hotWorkspace(isHot)).latencies.slice(isHot ? 10_000 : 0), 50);
  const mirror = 'notion-mirror';
  return [
    check('50 events a second: p50, ms', 'event-to-document', mirror, 'p50', () => latencyOf(run(worlds.light()).latencies, 50)),
    check('burst of 5,000: documents/s', 'burst-5000', mirror, 'documents', () => run(worlds.burst()).perSecond),
    ...workers,
    // The CPU of an event has its state and its outcome in it, so the rate must have them too.
    check(
      '1 sync-worker, 0 ms a call: documents/s',
      'worker-writes',
      'sync-worker',
      'with states and outcomes',
      () => simulate(worlds.writes(), calibrationOfWrites(results, calibration)).perSecond,
    ),
    check('quiet tenants alone: p50, ms', 'hot-workspace', 'quiet tenants alone', 'p50', () => quietP50(false)),
    check('quiet tenants beside a hot workspace: p50, ms', 'hot-workspace', 'beside a hot workspace', 'p50', () => quietP50(true)),
  ].filter((one) => one !== null);

  function check(figure: string, scenario: string, contender: string, name: string, simulated: () => number): Check | null {
    const result = results.find((one) => one.name === scenario);
    const measured = figureOf(result, contender, name)?.median;
    return measured === undefined ? null : { figure, simulated: simulated(), measured };
  }
}
