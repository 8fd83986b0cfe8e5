import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { type AclEntry } from 'kafkajs';
import type { Db } from 'mongodb';

const page = join(import.meta.dirname, '..', '..', 'docs', 'security.md');

type Row = readonly string[];

/** Users who have the rights of another as well. */
const alsoHave: Readonly<Record<string, string>> = { 'console-operator': 'console' };

/** The ACLs listed in the page's table, for every user in it. The user of a row `ingress` is `User:ingress`. */
export async function documentedAcls(prefix: string): Promise<AclEntry[]> {
  const rows = await tableUnder('### Kafka: ACLs');
  const inherited = Object.entries(alsoHave).flatMap(([user, other]) =>
    rows.filter(([name]) => name === `\`${other}\``).map(([, ...rights]) => [user, ...rights]),
  );
  return [...rows, ...inherited].flatMap<AclEntry>(([user = '', resource = '', operations = '']) => {
    const [, kind = '', name = ''] = /^(topic|group|transactional id)s? `([^`]+)`$/.exec(resource) ?? [];
    if (name === '') throw new Error(`not a resource: ${resource}`);
    return operations.split(', ').map((operation) => ({
      principal: `User:${user.replaceAll('`', '')}`,
      host: '*',
      resourceType: resourceTypeOf(kind),
      resourceName: `${prefix}${name.replace(/\*$/, '')}`,
      resourcePatternType: name.endsWith('*') ? kafkajs.ResourcePatternTypes.PREFIXED : kafkajs.ResourcePatternTypes.LITERAL,
      operation: operationOf(operation),
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    }));
  });
}

function resourceTypeOf(kind: string): number {
  if (kind === 'topic') return kafkajs.AclResourceTypes.TOPIC;
  return kind === 'group' ? kafkajs.AclResourceTypes.GROUP : kafkajs.AclResourceTypes.TRANSACTIONAL_ID;
}

function operationOf(name: string): number {
  const found = Object.entries(kafkajs.AclOperationTypes).find(([operation]) => operation.replaceAll('_', '') === name.toUpperCase());
  if (typeof found?.[1] !== 'number') throw new Error(`not a Kafka operation: ${name}`);
  return found[1];
}

/** Creates the roles of the page's table in `db`, named after its users. */
export async function createDocumentedRoles(db: Db): Promise<readonly string[]> {
  const rows = await tableUnder('### MongoDB: roles');
  const users = [...new Set(rows.map(([user = '']) => user.replaceAll('`', '')))];
  for (const user of users) {
    const own = rows.filter(([name = '']) => name === `\`${user}\``);
    const builtIn = own.flatMap(([, collection = '', actions = '']) => (collection === 'built-in roles' ? actions.split(', ') : []));
    const privileges = own.flatMap(([, collection = '', actions = '']) =>
      collection === 'built-in roles'
        ? []
        : [{ resource: { db: db.databaseName, collection: nameOf(collection) }, actions: actions.split(', ') }],
    );
    const roles = [...builtIn, ...[alsoHave[user] ?? []].flat()];
    await db.command({ createRole: user, privileges, roles: roles.map((role) => ({ role, db: db.databaseName })) });
  }
  return users;
}

/** MongoDB's empty name stands for all collections. */
function nameOf(cell: string): string {
  return cell === 'all collections' ? '' : cell.replaceAll('`', '');
}

/** The cells of the first table after a heading. */
async function tableUnder(heading: string): Promise<Row[]> {
  const [, section] = (await readFile(page, 'utf8')).split(`${heading}\n`);
  const lines = section?.split(/\n#/)[0]?.split('\n') ?? [];
  const rows = lines.filter((line) => line.startsWith('|')).slice(2);
  if (rows.length === 0) throw new Error(`docs/security.md has no table under "${heading}"`);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
