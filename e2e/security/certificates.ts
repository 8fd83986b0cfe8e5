import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
  /** Key and certificate in one file, as Kafka and MongoDB read them. */
  readonly both: string;
}

export interface Certificates {
  readonly authority: string;
  /** An authority that did not sign the servers' certificates. */
  readonly otherAuthority: string;
  /** Valid for `host` and localhost. */
  readonly server: Pair;
  readonly expired: Pair;
  /** Valid for elsewhere.example only. */
  readonly elsewhere: Pair;
  readonly client: Pair;
}

/** Kafka's user name for the client certificate's subject. */
export const clientPrincipal = 'User:CN=mirror,O=notion-mirror';

/** Creates everything in `folder` with `openssl`. The keys are used nowhere else. */
export async function makeCertificates(folder: string, host: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true });
  const file = (name: string) => join(folder, name);
  const [authority, otherAuthority] = await Promise.all([selfSigned('authority'), selfSigned('other-authority')]);
  const [server, expired, elsewhere, client] = await Promise.all([
    issue('server', { names: [host, 'localhost'], days: 2 }),
    issue('expired', { names: [host, 'localhost'], days: -1 }),
    issue('elsewhere', { names: ['elsewhere.example'], days: 2 }),
    issue('mirror', { names: ['mirror.example'], days: 2 }),
  ]);
  return { authority, otherAuthority, server, expired, elsewhere, client };

  async function selfSigned(name: string): Promise<string> {
    const out = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
    await openssl(['req', '-x509', ...newKey, ...out, '-days', '2', '-subj', `/O=notion-mirror/CN=${name}`]);
    return file(`${name}.crt`);
  }

  async function issue(name: string, { names, days }: { names: readonly string[]; days: number }): Promise<Pair> {
    const [key, request, cert, both] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.crt`), file(`${name}.pem`)];
    const extensions = file(`${name}.ext`);
    const alternatives = names.map((alternative) => `${isIP(alternative) === 0 ? 'DNS' : 'IP'}:${alternative}`);
    await writeFile(extensions, `subjectAltName=${alternatives.join(',')}\n`);
    await openssl(['req', '-new', ...newKey, '-keyout', key, '-out', request, '-subj', `/O=notion-mirror/CN=${name}`]);
    const serial = ['-set_serial', String(Math.floor(Math.random() * 2 ** 47))];
    const authorityFiles = ['-CA', authority, '-CAkey', file('authority.key'), ...serial];
    await openssl(['x509', '-req', '-in', request, ...authorityFiles, '-days', String(days), '-extfile', extensions, '-out', cert]);
    await writeFile(both, (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8')), { mode: 0o600 });
    return { cert, key, both };
  }
}

const newKey = ['-newkey', 'rsa:2048', '-nodes'];

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing) throw new Error('These tests need `openssl` to create certificates: install it.', { cause: error });
    throw error;
  }
}
