/** Resolves to a value that is at most as old as the interval, or is being made; one making serves all who ask meanwhile. */
export type Sampler<T> = () => Promise<T>;

/** Far above the intervals of a page: a sample is dropped when no page has asked for so long, since it may hold all tenants or 50,000 letters. */
const unaskedMs = 60_000;

/** A failed making is not kept: who asks next tries again. */
export function createSampler<T>(everyMs: number, make: () => Promise<T>, now: () => number = () => performance.now()): Sampler<T> {
  let sample: { readonly value: Promise<T>; madeAt: number | null } | null = null;
  let dropping: NodeJS.Timeout | null = null;
  return () => {
    dropping ??= setTimeout(() => (sample = null), unaskedMs).unref();
    dropping.refresh();
    if (sample !== null && (sample.madeAt === null || now() - sample.madeAt < everyMs)) return sample.value;
    const made: { readonly value: Promise<T>; madeAt: number | null } = { value: make(), madeAt: null };
    sample = made;
    made.value.then(
      () => (made.madeAt = now()),
      () => {
        if (sample === made) sample = null;
      },
    );
    return made.value;
  };
}
