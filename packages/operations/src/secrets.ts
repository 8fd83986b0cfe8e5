import type { Config } from '@notion-mirror/service-kit/config';

/** Shorter values are no secrets, and replacing them would mangle ordinary words. */
const shortestSecret = 4;

/** Returns a function that replaces the configured secrets in third-party text: drivers quote addresses and headers in their errors. */
export function createRedactor(config: Config<'cli' | 'console'>): (text: string) => string {
  const secrets = [
    config.kafka.sasl?.password,
    config.schemaRegistry.password,
    ...userInfo(config.schemaRegistry.url),
    ...userInfo(config.nango.url),
    ...userInfo(config.notionApiUrl),
    config.mongodbUri.includes('@') ? config.mongodbUri : undefined,
    ...userInfo(config.mongodbUri),
    config.nango.apiKey,
    ...config.nangoSigningKeys,
    ...config.notionVerificationTokens,
    config.encryptionKey?.toString('base64'),
  ]
    .filter((secret) => secret !== undefined && secret !== null)
    .filter((secret) => secret.length >= shortestSecret)
    .toSorted((a, b) => b.length - a.length);
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text);
}

/** The password of a URL, as written and decoded, and the whole user info before the last `@`, for a password with unescaped characters. */
function userInfo(uri: string): string[] {
  const [, info] = /^[a-z+]+:\/\/(.*)@/is.exec(uri) ?? [];
  if (info === undefined) return [];
  const password = info.slice(info.indexOf(':') + 1);
  return [info, password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The hosts and database of a MongoDB URI, without credentials and options. An ambiguous URI is not shown at all. */
export function mongoAddress(uri: string): string {
  const unclear = '(MIRROR_MONGODB_URI)';
  const [, scheme, rest] = /^(mongodb(?:\+srv)?:\/\/)(.*)$/s.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined) return unclear;
  const [head = '', ...parts] = rest.split('@');
  if (parts.length > 1 || (parts.length === 1 && /[/?]/.test(head))) return unclear;
  const [address] = (parts[0] ?? head).split('?', 1);
  return address !== undefined && /^[\w.:,[\]-]+(\/[\w.-]*)?$/.test(address) ? `${scheme}${address}` : unclear;
}

/** A URL without user, password and query. */
export function urlAddress(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  parsed.search = '';
  return parsed.href.replace(/\/+$/, '');
}
