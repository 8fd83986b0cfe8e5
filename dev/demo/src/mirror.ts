// `npm run mirror`: the operator's command. Without MIRROR_* variables it operates on the demo that `npm start` runs in another terminal.
import pc from 'picocolors';
import { runningDemo } from './running-demo.ts';
import { entryPoint, mirrorVariables } from './service-process.ts';

const isConfigured = Object.keys(mirrorVariables(process.env)).length > 0;
const demo = isConfigured ? null : await runningDemo();
if (demo !== null) {
  console.error(pc.dim('against the demo of npm start'));
  Object.assign(process.env, demo);
}
await import(entryPoint('cli'));
