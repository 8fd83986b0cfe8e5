import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// The clients of Notion, HTTP and the schema registry take 11 MB of the 120 that an idle console may, and few pages need them.
test('the console starts without clients that only some actions need', () => {
  const start = fileURLToPath(new URL('console.ts', import.meta.url));
  const program = `import(${JSON.stringify(start)}).then(() => console.log(Object.keys(require.cache).join('\\n')))`;
  const files = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }).split('\n');
  const packages = new Set(files.flatMap((file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  expect(packages).toContain('mongodb');
  const late = ['undici', '@notionhq/client', '@kafkajs/confluent-schema-registry', 'protobufjs', 'ajv'];
  expect(late.filter((name) => packages.has(name))).toEqual([]);
});
