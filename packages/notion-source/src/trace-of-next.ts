/** The context of the next call of several; undefined: it gets no span. */
export type TraceOfNext = () => string | undefined;
