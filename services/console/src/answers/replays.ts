import type { Paged, Time } from './common.ts';

/** `GET /api/replays?cursor`, latest first, 50 on a page. */
export interface ReplaysAnswer extends Paged {
  readonly replays: readonly ReplayLine[];
}

/** As `mirror replay status --json`. */
export interface ReplayLine {
  readonly id: string;
  readonly source: 'states' | 'events';
  readonly into: 'mirror' | 'shadow';
  readonly workspaceId: string | null;
  readonly databaseId: string | null;
  readonly since: string | null;
  readonly status: 'running' | 'done' | 'cancelled' | 'switched';
  readonly startedAt: Time;
  readonly updatedAt: Time;
  readonly offsetsDone: number;
  readonly offsets: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** `GET /api/replays/:id`. */
export interface ReplayAnswer {
  readonly replay: ReplayLine;
  /** `next`: where reading continues; done when it is `to`. */
  readonly partitions: readonly {
    readonly topic: string | null;
    readonly partition: number;
    readonly from: number;
    readonly next: number;
    readonly to: number;
  }[];
}
