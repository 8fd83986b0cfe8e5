import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '@notion-mirror/demo/system';
import type { ChangeStream, Document, ResumeToken } from 'mongodb';

/** Watches every write of a row: none may go back to an older state than the mirror has shown. The emulated Notion must keep versions of rows. */
export interface RowWatch {
  /** One sentence for each row that went back, or that shows what Notion never did. The caller may empty it. */
  readonly complaints: string[];
  /** Writes so far. */
  readonly writes: number;
  /** Reads what was written until now, then stops watching. */
  stop(): Promise<void>;
}

/** Reasons for which the page itself is gone; the others concern its database or who may read it, and can come and go while the page stays. */
const reasonsOfPage: readonly string[] = ['deleted', 'trashed', 'moved_away'];

export function watchRows({ db, notion }: Pick<System, 'db' | 'notion'>): RowWatch {
  const complaints: string[] = [];
  /** The version that each record shows, by its `_id`. */
  const shown = new Map<string, number>();
  let writes = 0;
  let isStopping = false;

  function read({ _id, pageId, rev, raw, removed }: Document): void {
    writes += 1;
    const { reason } = (removed ?? {}) as { readonly reason?: string };
    if (reason !== undefined && !reasonsOfPage.includes(reason)) return;
    const key = String(_id);
    const last = shown.get(key) ?? 0;
    const page = reason === undefined ? (raw as NonNullable<Parameters<typeof notion.rowVersions>[0]['page']>) : null;
    const versions = notion.rowVersions({ id: String(pageId), page });
    // A state that comes twice is taken for the earliest that it can be.
    const next = versions.find((version) => version >= last);
    if (next !== undefined) return void shown.set(key, next);
    const what = `${key}, rev ${String(rev)}${reason === undefined ? '' : ` (${reason})`}`;
    complaints.push(
      versions.length === 0 ? `${what}: Notion never showed this` : `${what}: went back from version ${last} to ${versions.join(' or ')}`,
    );
  }

  const open = (resumeAfter: ResumeToken): ChangeStream =>
    db
      .collection('row_records')
      .watch([], { fullDocument: 'updateLookup', maxAwaitTimeMS: 200, ...(resumeAfter === undefined ? {} : { resumeAfter }) });

  async function watch(): Promise<void> {
    let token: ResumeToken;
    for (;;) {
      const stream = open(token);
      try {
        for (;;) {
          const change = await stream.tryNext();
          token = stream.resumeToken;
          if (change !== null && 'fullDocument' in change && change.fullDocument) read(change.fullDocument);
          if (change === null && isStopping) return;
        }
      } catch (error) {
        if (isStopping) throw error;
        // A server failed, as tests make them do: continues where it was.
        await delay(200);
      } finally {
        await stream.close().catch(() => {});
      }
    }
  }

  const watching = watch();
  return {
    complaints,
    get writes() {
      return writes;
    },
    stop: () => {
      isStopping = true;
      return watching;
    },
  };
}
