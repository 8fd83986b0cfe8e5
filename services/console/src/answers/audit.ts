import type { Paged, Time } from './common.ts';

/**
 * `GET /api/audit?who&action&tenant&cursor`: what operators changed, latest first, 100 on a page, as `mirror audit list --json`. `tenant`: those for it alone.
 */
export interface AuditAnswer extends Paged {
  readonly actions: readonly ActionLine[];
}

export interface ActionLine {
  readonly id: string;
  readonly at: Time;
  /** Null: it runs, or its process was killed. Of a stopped job: when it stopped. */
  readonly endedAt: Time | null;
  readonly who: string;
  readonly via: 'cli' | 'console';
  readonly action: ActionName;
  /** Null: of none, of several, or of one that was purged since. */
  readonly workspaceId: string | null;
  /** Ids, options and counts that say what it was about. */
  readonly target: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly reason: string | null;
  /** `begun`: it runs, or it was a command that was killed. Of jobs only: `interrupted`, its console was killed and another continues it; `stopped`. */
  readonly outcome: 'begun' | 'interrupted' | 'stopped' | 'done' | 'failed';
  /** `GET /api/jobs/:id` shows it. */
  readonly isJob: boolean;
  readonly counts: Readonly<Record<string, number>>;
  /** The code of the error. */
  readonly failure: string | null;
  /** Of the mirror. */
  readonly version: string;
}

export type ActionName =
  | 'connections.add'
  | 'connections.pause'
  | 'connections.resume'
  | 'connections.remove'
  | 'connections.purge'
  | 'dead_letters.redrive'
  | 'dead_letters.drop'
  | 'handshake.show'
  | 'handshake.reset'
  | 'reconcile.run'
  | 'replay.run'
  | 'replay.switch'
  | 'replay.cancel'
  | 'rows.scan'
  | 'rows.on'
  | 'rows.off'
  | 'verify.fix';
