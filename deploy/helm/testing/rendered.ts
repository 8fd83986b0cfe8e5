import { findHelm, pathOf } from './tools.ts';
import {
  chartFolder,
  fileOf,
  hasPods,
  objectsIn,
  podOf,
  runHelm,
  withValues,
  type Container,
  type HelmRun,
  type KubernetesObject,
} from './chart.ts';

export const helm = await findHelm();
if ('missing' in helm) console.warn(`tests of the Helm chart are skipped: ${helm.missing}`);
export const helmPath = pathOf(helm);

/** The files in ci/. */
export const matrix = ['minimal', 'everything', 'strimzi', 'plain-init'] as const;

/** `helm template` of the release `mirror` in the namespace `notion`. */
export const template = (files: readonly string[], ...args: readonly string[]): HelmRun =>
  runHelm(helmPath, ['template', 'mirror', chartFolder, '--namespace', 'notion', ...files.flatMap((file) => ['--values', file]), ...args]);

const rendered = new Map<string, readonly KubernetesObject[]>();

/** The objects of a file in ci/. */
export function render(values: (typeof matrix)[number]): readonly KubernetesObject[] {
  const known = rendered.get(values);
  if (known !== undefined) return known;
  const objects = objectsOf(template([fileOf(values)]));
  rendered.set(values, objects);
  return objects;
}

/** The objects of the least values and these. */
export function renderWith(values: unknown): readonly KubernetesObject[] {
  return withValues(values, (file) => objectsOf(template([fileOf('minimal'), file])));
}

function objectsOf({ ok, stdout, stderr }: HelmRun): readonly KubernetesObject[] {
  if (!ok) throw new Error(stderr);
  return objectsIn(stdout);
}

export const componentOf = ({ metadata }: KubernetesObject): string => metadata.labels['app.kubernetes.io/component'] ?? '';

export const ofKind = (objects: readonly KubernetesObject[], kind: string): readonly KubernetesObject[] =>
  objects.filter((one) => one.kind === kind);

/** The only one of its kind (of a component). Throws if there are several, or none. */
export function only(objects: readonly KubernetesObject[], kind: string, component?: string): KubernetesObject {
  const found = ofKind(objects, kind).filter((one) => component === undefined || componentOf(one) === component);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} objects of the kind ${kind}`);
  return found[0];
}

export function mainContainer(object: KubernetesObject): Container {
  const main = podOf(object).spec.containers[0];
  if (main === undefined) throw new Error('a pod without a container');
  return main;
}

export const environmentOf = (object: KubernetesObject): Readonly<Record<string, string>> =>
  Object.fromEntries(mainContainer(object).env.map(({ name, value }) => [name, value ?? '']));

/** Every object with pods of the whole matrix, with a name for test.each; none without Helm. */
export const podsOfMatrix: readonly (readonly [string, KubernetesObject])[] =
  'missing' in helm
    ? []
    : matrix.flatMap((values) =>
        render(values)
          .filter(hasPods)
          .map((object) => [`${componentOf(object)} (${values})`, object] as const),
      );
