import { existsSync } from 'node:fs';

/** Chromium's file and flags; `missing`: why there is none, as a message. */
export type FoundChromium = { readonly file: string; readonly args: readonly string[] } | { readonly missing: string };

/** The tests run as root in containers, and load nothing but their own page. */
const plain = ['--no-sandbox', '--disable-gpu'];

/** MIRROR_TEST_CHROMIUM, a Chromium of the system, or the one from npm, which is for Linux on x64 only. */
export async function findChromium(): Promise<FoundChromium> {
  const named = process.env['MIRROR_TEST_CHROMIUM'];
  if (named !== undefined) {
    return existsSync(named) ? { file: named, args: plain } : { missing: `MIRROR_TEST_CHROMIUM is ${named}, and there is no such file` };
  }
  const system = '/usr/bin/chromium';
  if (existsSync(system)) return { file: system, args: plain };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      missing: `there is no Chromium from npm for ${process.platform} ${process.arch}: set MIRROR_TEST_CHROMIUM to the file of a Chromium or Chrome`,
    };
  }
  const { default: packed } = await import('@sparticuz/chromium');
  // Its own flags are for a function in a cloud: one process for everything, and slow.
  return { file: await packed.executablePath(), args: plain };
}
