import { newTrace } from './trace-context.ts';

/** Makes spans. A context (`trace`) is the text of a W3C `traceparent`; every process passes it on, whether it makes spans or not. */
export interface Tracing {
  /** The context of a new trace, with the decision whether it is sampled. */
  newTrace(): string;
}

/** No spans: a new trace is not sampled, and a context is passed on as it is. */
export const tracingOff: Tracing = { newTrace: () => newTrace(() => false) };
