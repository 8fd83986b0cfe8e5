/** A long piece of work may have a hundred thousand steps, and a backend takes some thousand spans of one trace. */
const mostSpans = 500;

/** The context for each step of a long piece of work, until there were `most` of them. */
export interface SpanAllowance {
  /** The context of one more step; undefined: it gets no span. */
  next(): string | undefined;
  /** Steps that got none. */
  readonly leftOut: number;
}

export function createSpanAllowance(trace: string | undefined, most = mostSpans): SpanAllowance {
  let asked = 0;
  return {
    next() {
      asked += 1;
      return asked > most ? undefined : trace;
    },
    get leftOut() {
      return Math.max(0, asked - most);
    },
  };
}
