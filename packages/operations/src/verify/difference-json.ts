import type { Difference } from './compare-entities.ts';

/** Maximum fields per database; a document and its copy in `raw` can differ in very many places. */
const fieldsInJson = 200;

const longestValue = 500;

export function differenceJson({ kind, workspaceId, id, verdict }: Difference) {
  const fields = verdict.kind === 'stale' ? verdict.fields : [];
  return {
    workspaceId,
    [kind.idField]: id,
    kind: verdict.kind,
    because: verdict.kind === 'extra' ? verdict.because : null,
    problem: verdict.kind === 'damaged' ? verdict.problem : null,
    fields: fields.slice(0, fieldsInJson).map(({ path, mirror, notion }) => ({
      path,
      mirror: valueText(mirror, longestValue),
      notion: valueText(notion, longestValue),
    })),
    moreFields: Math.max(0, fields.length - fieldsInJson),
  };
}

/** As truncated JSON; null when the field is absent. */
export function valueText(value: unknown, longest: number): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
