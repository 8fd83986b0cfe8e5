import { inSpan } from '@notion-mirror/service-kit/tracing/in-span';
import { isSampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { Db } from 'mongodb';

/** The context that a read or a write belongs to. */
export interface Traced {
  readonly trace?: string | undefined;
}

/**
 * Spans of reads and writes, each from when it is asked for until its answer: it shares its command with those of other tenants, which no span may show as
 * its own. The number of them is in `db.operation.batch.size`.
 */
export function createStoreSpans(deps: { readonly tracing: Tracing; readonly db: Db; readonly collection: string }) {
  const { tracing, db, collection } = deps;
  return function traced<T>(
    operation: 'find' | 'bulkWrite' | 'updateOne',
    { trace }: Traced,
    run: (span: Span | null) => Promise<T>,
    resultOf: (result: T) => string,
  ): Promise<T> {
    if (!isSampled(trace)) return run(null);
    const span = tracing.child(trace, {
      name: `${operation} ${collection}`,
      kind: 'client',
      attributes: {
        'db.system.name': 'mongodb',
        'db.namespace': db.databaseName,
        'db.collection.name': collection,
        'db.operation.name': operation,
      },
    });
    if (span === null) return run(null);
    return inSpan(span, async () => {
      const result = await run(span);
      span.set({ 'notion_mirror.result': resultOf(result) });
      return result;
    });
  };
}

/** Notes of each span how many operations its command holds. */
export function noteBatch(ops: readonly { readonly span: Span | null }[]): void {
  if (ops.length < 2) return;
  for (const { span } of ops) span?.set({ 'db.operation.batch.size': ops.length });
}
