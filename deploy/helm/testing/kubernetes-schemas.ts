import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { KubernetesObject } from './chart.ts';

/** Checks objects as a strict API server of that version does: unknown fields are errors. Gives what is wrong; null for a kind that is not Kubernetes' own. */
export function createObjectCheck(schemas: string, version: string): (object: KubernetesObject) => readonly string[] | null {
  const folder = join(schemas, `v${version}.0-local-strict`);
  const read = (file: string): Record<string, unknown> => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, inlineRefs: false });
  ajv.addSchema(read('_definitions.json'));
  return (object) => {
    const [group = '', revision] = object.apiVersion.split('/');
    const isOwn = revision === undefined || !group.includes('.') || group.endsWith('.k8s.io');
    if (!isOwn) return null;
    const api = revision === undefined ? group : `${group.split('.')[0]}-${revision}`;
    const schema = read(`${object.kind.toLowerCase()}-${api}.json`);
    const validate = ajv.getSchema(String(schema['$id'])) ?? ajv.compile(schema);
    if (validate(object.source) === true) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  };
}
