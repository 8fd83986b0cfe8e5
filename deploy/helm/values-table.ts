import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';

/** A value of values.yaml that has a comment `# -- …` above it. */
interface DescribedValue {
  readonly path: string;
  readonly default: string;
  readonly description: string;
}

/** Every value with a description, in the order of the file. Throws for one without: it would be missing from README.md. */
export function describedValues(valuesYaml: string): readonly DescribedValue[] {
  const { contents } = parseDocument(valuesYaml);
  if (!isMap(contents)) throw new Error('values.yaml is no map');
  return valuesIn(contents, []);
}

function valuesIn(map: YAMLMap, above: readonly string[]): readonly DescribedValue[] {
  return map.items.flatMap((pair, index) => {
    const path = [...above, String(isScalar(pair.key) ? pair.key.value : pair.key)];
    // The comment above the first key of a map belongs to the map.
    const comment = index === 0 && above.length > 0 ? map.commentBefore : commentOf(pair);
    const description = /(?:^|\n) -- (?<text>[\s\S]+)/.exec(comment ?? '')?.groups?.['text'];
    if (description !== undefined)
      return [{ path: path.join('.'), default: shown(pair.value), description: description.replaceAll(/\n\s*/g, ' ') }];
    if (!isMap(pair.value) || pair.value.items.length === 0) throw new Error(`values.yaml: ${path.join('.')} has no description`);
    return valuesIn(pair.value, path);
  });
}

const commentOf = ({ key }: Pair): string | null | undefined => (isScalar(key) ? key.commentBefore : null);

function shown(value: unknown): string {
  const plain: unknown =
    value !== null && typeof value === 'object' && 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
  const text = JSON.stringify(plain);
  return text.length > 60 ? 'see `values.yaml`' : `\`${text}\``;
}

/** The table of README.md. */
export function valuesTable(valuesYaml: string): string {
  const rows = describedValues(valuesYaml).map(
    ({ path, default: fallback, description }) => `| \`${path}\` | ${fallback} | ${description.replaceAll('|', '\\|')} |`,
  );
  return ['| value | default | what it is |', '| --- | --- | --- |', ...rows].join('\n');
}
