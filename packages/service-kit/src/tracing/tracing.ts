import { newTrace } from './trace-context.ts';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/** Ids, counts, codes and names of ours. Never a customer's text, a token, a query or a header. One that is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Link {
  readonly trace: string;
  readonly attributes?: Attributes;
}

export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: Attributes | undefined;
  readonly links?: readonly Link[] | undefined;
  /** Epoch ms; by default now. */
  readonly startedAt?: number | undefined;
}

/** A piece of work in progress. */
export interface Span {
  /** Its context: the parent of what it leads to. */
  readonly trace: string;
  set(attributes: Attributes): void;
  /** Notes that something happened now. */
  event(name: string): void;
  /** It is exported even if its trace is not sampled, as far as that is possible: see `observed`. */
  keep(): void;
  /** `error`: the kind of its failure, one of few. */
  end(error?: string): void;
}

/**
 * Makes spans. A context (`trace`) is the text of a W3C `traceparent`; every process passes it on, whether it makes spans or not. Null is a span that
 * will not be exported: `span?.end()` then costs nothing, and nothing is evaluated for it.
 */
export interface Tracing {
  readonly isOn: boolean;
  /** The context of a new trace, with the decision whether it is sampled. */
  newTrace(): string;
  /** The first span of a new trace. Null: it is not sampled. */
  root(trace: string, start: SpanStart): Span | null;
  /** Null: `parent` is not sampled, or not known. */
  child(parent: string | undefined, start: SpanStart): Span | null;
  /**
   * A child that is there even if its parent is not sampled. It is then exported only if `keep` was called, or if it took long, and its children are
   * not. Null: tracing is off. `start` is called if it is exported.
   */
  observed(parent: string, start: () => SpanStart): Span | null;
}

/** No spans: a new trace is not sampled, and a context is passed on as it is. */
export const tracingOff: Tracing = {
  isOn: false,
  newTrace: () => newTrace(() => false),
  root: () => null,
  child: () => null,
  observed: () => null,
};
