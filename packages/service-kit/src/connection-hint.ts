type Server = 'kafka' | 'schema registry' | 'mongodb' | 'http';

/** How OpenSSL, Node, KafkaJS and the drivers word these problems, or their error codes. The first match counts. */
const signs = [
  ['unknown authority', /self.signed.certificate|SELF_SIGNED_CERT|unable to (get|verify)|UNABLE_TO_(GET|VERIFY)/i],
  ['expired', /certificate (has expired|is not yet valid)|CERT_(HAS_EXPIRED|NOT_YET_VALID)/i],
  ['other host', /does not match certificate's altnames|CERT_ALTNAME_INVALID/i],
  ['not tls', /wrong version number|SSL_WRONG_VERSION_NUMBER|packet length too long|before secure TLS connection was established/i],
  ['client certificate', /alert (certificate required|bad certificate|unknown ca|handshake failure|number (116|42|48|40)\b)/i],
  ['mechanism', /SASL \S+ mechanism is not supported|UNSUPPORTED_SASL_MECHANISM|does not support the SASL mechanism/i],
  ['credentials', /SASL[^:]* authentication failed|Authentication failed|bad auth|refuses the credentials|status 401\b/i],
  ['rights', /authorization failed|not authorized|requires authentication|status 403\b/i],
  ['coordinator', /Failed to find group coordinator/],
  ['closed', /^Closed connection$/m],
  ['redirect', /status 30[1278]\b/],
] as const;

type Problem = (typeof signs)[number][0];

const extraAuthority = 'name the certificate authority in NODE_EXTRA_CA_CERTS (a PEM file)';

const hints: Readonly<Record<Server, Partial<Record<Problem, string>>>> = {
  kafka: {
    'unknown authority': `${extraAuthority} or in MIRROR_KAFKA_SSL_CA_FILE`,
    expired: 'the brokers need a valid certificate; is the clock of this machine right?',
    'other host': 'MIRROR_KAFKA_BROKERS, and what the brokers advertise, must be the names in their certificates',
    'not tls':
      'these brokers do not seem to speak TLS on that port: name their TLS port in MIRROR_KAFKA_BROKERS, or set MIRROR_KAFKA_SSL=false',
    coordinator:
      'no broker coordinates the groups now, or the user in MIRROR_KAFKA_SASL_USERNAME lacks an ACL: docs/security.md lists them',
    closed: 'the brokers closed the connection; if they always do, they may require TLS: MIRROR_KAFKA_SSL=true',
    'client certificate': 'the brokers want a client certificate: set MIRROR_KAFKA_SSL_CERT_FILE and MIRROR_KAFKA_SSL_KEY_FILE',
    mechanism: 'set MIRROR_KAFKA_SASL_MECHANISM to one that the brokers offer',
    credentials: 'check MIRROR_KAFKA_SASL_USERNAME, MIRROR_KAFKA_SASL_PASSWORD and MIRROR_KAFKA_SASL_MECHANISM',
    rights: 'the user in MIRROR_KAFKA_SASL_USERNAME (or of the client certificate) lacks an ACL: docs/security.md lists them',
  },
  'schema registry': {
    'unknown authority': extraAuthority,
    expired: 'the registry needs a valid certificate; is the clock of this machine right?',
    'other host': "MIRROR_SCHEMA_REGISTRY_URL must use a name that is in the registry's certificate",
    'not tls': 'the registry speaks no TLS on that port: MIRROR_SCHEMA_REGISTRY_URL must begin with http://',
    credentials: 'check MIRROR_SCHEMA_REGISTRY_USERNAME and MIRROR_SCHEMA_REGISTRY_PASSWORD',
    rights: 'the user in MIRROR_SCHEMA_REGISTRY_USERNAME may not do that',
    redirect: 'MIRROR_SCHEMA_REGISTRY_URL must be the final address: credentials follow no redirect',
  },
  mongodb: {
    'unknown authority': `${extraAuthority}, or with tlsCAFile in MIRROR_MONGODB_URI`,
    expired: 'MongoDB needs a valid certificate; is the clock of this machine right?',
    'other host': 'MIRROR_MONGODB_URI, and the configuration of the replica set, must use the names in the certificates',
    'not tls': 'MongoDB speaks no TLS on that port: leave tls=true out of MIRROR_MONGODB_URI',
    'client certificate': 'MongoDB wants a client certificate: tlsCertificateKeyFile in MIRROR_MONGODB_URI',
    credentials: 'check the user, the password and authSource in MIRROR_MONGODB_URI',
    rights: 'the user in MIRROR_MONGODB_URI lacks a role: docs/security.md lists them',
  },
  http: {
    'unknown authority': extraAuthority,
    expired: 'the server needs a valid certificate; is the clock of this machine right?',
    'other host': 'the URL must use a name that is in the certificate',
    'not tls': 'the server speaks no TLS on that port: is it http://?',
  },
};

/** What an operator can fix when TLS, credentials or rights keep a server from being used. Null: the error has another cause. */
export function connectionHint(error: unknown): string | null {
  const chain = errorChain(error);
  const server = serverOf(chain);
  if (server === null) return null;
  const text = chain.map(({ message }) => message).join('\n');
  const found = signs.find(([, sign]) => sign.test(text));
  return found === undefined ? null : (hints[server][found[0]] ?? null);
}

function serverOf(chain: readonly Error[]): Server | null {
  for (const { name } of chain) {
    if (name.startsWith('KafkaJS')) return 'kafka';
    if (name === 'SchemaRegistryError') return 'schema registry';
    if (/^(Mongo|Store)/.test(name)) return 'mongodb';
    if (name === 'ExchangeError') return 'http';
  }
  return null;
}

/** An error and its causes. An AggregateError counts as its first error. */
function errorChain(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 6; at = causeOf(at)) chain.push(at);
  return chain;
}

export function causeOf(error: Error): unknown {
  if (error.cause !== undefined) return error.cause;
  return 'errors' in error && Array.isArray(error.errors) ? (error.errors[0] as unknown) : undefined;
}
