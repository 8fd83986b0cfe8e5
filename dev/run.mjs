// The entry point of every npm script. It runs on the machine's Node (>= 20), installs the pinned dependencies when the
// lockfile changed, and hands over to the project's own Node 24. Only built-in modules here: nothing is installed yet.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.installed-lockfile');

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`notion-mirror needs Node 20 or newer to start (this is ${process.version}); it brings its own Node 24 from there.`);
  process.exit(1);
}

install();
run(process.argv.slice(2));

function install() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .update(readFileSync(join(root, 'pnpm-workspace.yaml')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(ownNode())) return;
  const pnpm = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;
  console.error(`Installing dependencies with ${pnpm} (once, and when the lockfile changes) …`);
  const result = spawnSync('npx', ['--yes', pnpm, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(`The install failed: ${result.error?.message ?? `pnpm ended with exit code ${result.status}, see above`}.`);
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

function ownNode() {
  return join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function run(args) {
  const bin = join(root, 'node_modules', '.bin');
  const [command, ...rest] = args[0] === '--bin' ? [join(bin, args[1]), ...args.slice(2)] : [ownNode(), ...args];
  const child = spawn(command, rest, {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: [dirname(ownNode()), bin, process.env.PATH].join(delimiter),
      // Nearly halves the start-up time of every child process.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'node'),
    },
  });
  // The terminal sends Ctrl-C to the whole group; a supervisor signals only this process. Either way the child decides when to exit.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
  child.on('error', (error) => {
    console.error(`Could not start ${command}: ${error.message}`);
    process.exit(1);
  });
}
