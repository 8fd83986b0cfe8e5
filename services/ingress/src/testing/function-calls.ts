import { Session } from 'node:inspector';

/** How many calls of functions written in JavaScript `work` takes, its own callees among them: its cost, whatever else the machine does. */
export function functionCalls(work: () => void): number {
  using session = connected();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  work();
  let calls = 0;
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error !== null) throw error;
    for (const { functions } of coverage.result) for (const { ranges } of functions) calls += ranges[0]?.count ?? 0;
  });
  return calls;
}

function connected(): Session & Disposable {
  const session = new Session();
  session.connect();
  return Object.assign(session, { [Symbol.dispose]: () => session.disconnect() });
}
