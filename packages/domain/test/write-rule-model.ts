import { applyDelete, applySync } from '../src/apply-event.ts';
import { nextRev, type EventTimes, type RecordState } from '../src/write-rule.ts';
import { pause, startRun, step, type Run } from './model-run.ts';

/**
 * A model of one database: Notion with its own clock, a log, a sync and a delete worker that interleave at every step, crash,
 * leave zombies behind and repeat their work. The workers run the real `applySync` and `applyDelete`, and thus the real rule; everything
 * around them is fake. A history is a list of 32-bit words, one per happening.
 */

/** Time has no unit here. Clocks disagree by up to this, and waits are shorter and longer than it. */
const tolerance = 10;
/** Within such a window Notion may drop events, but never the last. */
const aggregationWindow = 8;

export type Mutation =
  | 'no rev condition'
  | 'no refetch on conflict'
  | 'no tombstone for a missing record'
  | 'no raised rev on a tombstone'
  | 'no recheck'
  | 'no tolerance'
  | 'skips on a tombstone of source delete'
  | 'deletes without checking asOf'
  | 'no time of removal in the condition'
  | 'recalls what it wrote before a tombstone expired';

interface Content {
  readonly container: number;
  readonly source: number;
}

interface ModelRecord extends RecordState {
  readonly content: Content | null;
  /** Null for a live record. A tombstone may expire, and its successor starts at rev 1 again: this distinguishes the two. */
  readonly removedAt: number | null;
}

type Seen = { readonly kind: 'live'; readonly content: Content } | { readonly kind: 'gone' };
type Written = { readonly kind: 'written' } | { readonly kind: 'conflict' };

interface LogEvent extends EventTimes {
  readonly kind: 'sync' | 'delete';
}

interface Notification {
  readonly kind: 'sync' | 'delete';
  readonly occurredAt: number;
  readonly trueTime: number;
}

interface Group {
  readonly kind: 'sync' | 'delete';
  position: number;
  run: Run | null;
  /** The group's position after the run. */
  next: number;
}

/** Runs a history, consumes every event, and returns the difference between record and Notion; null when they are equal. */
export async function runHistory(
  words: Uint32Array,
  mutation: Mutation | null = null,
  trace?: (line: string) => void,
): Promise<string | null> {
  const mutated = (name: Mutation) => mutation === name;
  const toleranceUsed = mutated('no tolerance') ? 0 : tolerance;

  // The first word sets the clocks; any two disagree by at most the tolerance.
  const setting = words[0] ?? 0;
  const offsets = [-tolerance / 2, 0, tolerance / 2];
  const offset = (shift: number) => offsets[(setting >>> shift) % offsets.length] ?? 0;
  const clocks = { notion: offset(0), ingress: offset(4), syncWorker: offset(8), deleteWorker: offset(12) };

  let now = 1000;
  let state = 'absent' as 'absent' | 'live' | 'trashed' | 'purged';
  let truth: Content = { container: 0, source: 0 };
  let record = null as ModelRecord | null;
  let undelivered: Notification[] = [];
  const delivered: Notification[] = [];
  const log: LogEvent[] = [];
  const groups: Record<'sync' | 'delete', Group> = {
    sync: { kind: 'sync', position: 0, run: null, next: 0 },
    delete: { kind: 'delete', position: 0, run: null, next: 0 },
  };
  const zombies: Run[] = [];
  // The sync worker's last write; lost in a crash.
  let remembered = null as { readonly record: ModelRecord; readonly at: number } | null;

  const say = (line: string) => trace?.(`${now} ${line}`);

  // -- the store

  async function read(run: Run): Promise<ModelRecord | null> {
    await pause(run);
    run.readAt = now;
    return record;
  }

  /** Counts as a read at the time the record was remembered. */
  function recall(run: Run): ModelRecord | null {
    if (remembered === null) return null;
    run.readAt = mutated('recalls what it wrote before a tombstone expired') ? now : remembered.at;
    return remembered.record;
  }

  function store(expected: ModelRecord | null, wanted: Omit<ModelRecord, 'rev'>): Written {
    // Like the store's conditional upsert: a record that vanished meanwhile (an expired tombstone) does not conflict.
    const sameRev = record === null || (expected !== null && record.rev === expected.rev);
    const sameRemoval = record === null || mutated('no time of removal in the condition') || record.removedAt === expected?.removedAt;
    if (!(sameRev && sameRemoval) && !mutated('no rev condition')) return { kind: 'conflict' };
    record = { ...wanted, rev: nextRev(expected) };
    return { kind: 'written' };
  }

  // -- Notion

  function change(n: number): void {
    const choices: readonly string[] = {
      absent: ['create'],
      live: ['edit', 'edit source', 'trash'],
      trashed: ['restore', 'restore', 'purge'],
      purged: [],
    }[state];
    const choice = choices[n % Math.max(choices.length, 1)];
    if (choice === undefined) return;
    if (choice === 'purge') {
      state = 'purged';
      say('Notion: purge, without an event');
      return;
    }
    if (choice === 'edit' || choice === 'create') truth = { ...truth, container: truth.container + 1 };
    if (choice === 'edit source') truth = { ...truth, source: truth.source + 1 };
    state = choice === 'trash' ? 'trashed' : 'live';
    const aggregates = (n >>> 4) % 2 === 1;
    if (aggregates) undelivered = undelivered.filter(({ trueTime }) => now - trueTime >= aggregationWindow);
    undelivered.push({ kind: choice === 'trash' ? 'delete' : 'sync', occurredAt: now + clocks.notion, trueTime: now });
    say(`Notion: ${choice}${aggregates ? ', earlier events of the window dropped' : ''}`);
  }

  function deliver(n: number): void {
    const [notification] = undelivered.splice(n % Math.max(undelivered.length, 1), 1);
    if (notification === undefined) return;
    delivered.push(notification);
    receive(notification, 'delivered');
  }

  function again(n: number): void {
    const notification = delivered[n % Math.max(delivered.length, 1)];
    if (notification !== undefined) receive(notification, 'delivered again');
  }

  function receive(notification: Notification, how: string): void {
    log.push({ kind: notification.kind, occurredAt: notification.occurredAt, receivedAt: now + clocks.ingress });
    say(`${how}: ${notification.kind} of ${notification.trueTime}`);
  }

  /** Two calls, each seeing Notion's state at its own time. */
  async function fetchDatabase(run: Run): Promise<Seen> {
    await pause(run);
    if (state !== 'live') {
      await pause(run);
      return { kind: 'gone' };
    }
    const { container } = truth;
    await pause(run);
    const { source } = truth;
    await pause(run);
    return { kind: 'live', content: { container, source } };
  }

  // -- the workers

  async function sync(run: Run, event: EventTimes): Promise<void> {
    const result = await applySync<ModelRecord, Seen, Written>(
      {
        recall: () => recall(run),
        read: async () => {
          const seen = await read(run);
          return seen !== null && mutated('skips on a tombstone of source delete') ? { ...seen, source: 'fetch' } : seen;
        },
        now: () => now + clocks.syncWorker,
        fetch: () => fetchDatabase(run),
        write: async (expected, seen, asOf) => {
          await pause(run);
          const wanted =
            seen.kind === 'live'
              ? { live: true, content: seen.content, asOf, source: 'fetch' as const, removedAt: null }
              : { live: false, content: null, asOf, source: 'fetch' as const, removedAt: now };
          const outcome = store(expected, wanted);
          say(`sync: ${seen.kind} as of ${asOf}: ${outcome.kind}`);
          if (groups.sync.run === run) remembered = outcome.kind === 'written' && record?.live === true ? { record, at: now } : null;
          return outcome.kind === 'conflict' && mutated('no refetch on conflict') ? store(record, wanted) : outcome;
        },
      },
      event,
      toleranceUsed,
    );
    if (result.kind === 'skipped') say(`sync: skipped, record as of ${result.record?.asOf}`);
  }

  async function remove(run: Run, event: EventTimes): Promise<void> {
    const { decision } = await applyDelete<ModelRecord, Written>(
      {
        read: async () => {
          const seen = await read(run);
          return seen !== null && mutated('deletes without checking asOf') ? { ...seen, asOf: Number.NEGATIVE_INFINITY } : seen;
        },
        write: async (expected, what) => {
          await pause(run);
          if (what === 'tombstone_missing' && mutated('no tombstone for a missing record')) return { kind: 'written' };
          if (what === 'touch_tombstone' && mutated('no raised rev on a tombstone')) return { kind: 'written' };
          const kept = what === 'touch_tombstone' && expected !== null ? expected : { asOf: event.receivedAt, source: 'delete' as const };
          return store(expected, { live: false, content: null, asOf: kept.asOf, source: kept.source, removedAt: now });
        },
        recheck: async () => {
          await pause(run);
          if (mutated('no recheck')) return;
          log.push({ kind: 'sync', occurredAt: event.occurredAt, receivedAt: now + clocks.deleteWorker });
        },
      },
      event,
      toleranceUsed,
    );
    say(`delete: ${decision}`);
  }

  function start(group: Group, atMost: number): void {
    const taken: LogEvent[] = [];
    let next = group.position;
    for (; next < log.length && taken.length < atMost; next += 1) {
      const event = log[next];
      if (event?.kind === group.kind) taken.push(event);
    }
    group.next = next;
    const newest = taken.reduce<LogEvent | null>((a, b) => (a === null || b.receivedAt >= a.receivedAt ? b : a), null);
    if (newest === null) {
      group.position = next;
      return;
    }
    group.run = startRun((run) => (group.kind === 'sync' ? sync(run, newest) : remove(run, newest)));
  }

  async function work(group: Group, n: number): Promise<void> {
    for (let steps = 1 + ((n >>> 2) % 4); steps > 0; steps -= 1) {
      if (group.run === null) start(group, group.kind === 'sync' ? 1 + (n % 3) : 1);
      if (group.run === null) return;
      await step(group.run);
      if (group.run.finished) {
        group.run = null;
        group.position = group.next;
      }
    }
  }

  function crash(group: Group, n: number): void {
    if (group.run !== null) {
      zombies.push(group.run);
      group.run = null;
    }
    if (group.kind === 'sync') remembered = null;
    group.position = Math.max(0, group.position - (n % 8));
    say(`${group.kind} worker crashes; its successor begins at ${group.position}`);
  }

  async function haunt(n: number): Promise<void> {
    const index = n % Math.max(zombies.length, 1);
    const zombie = zombies[index];
    if (zombie === undefined) return;
    await step(zombie);
    if (zombie.finished) zombies.splice(index, 1);
  }

  /** A tombstone far outlives every fetch and every memory, so it expires only when every run in flight has read the record since it was written. */
  function expire(): void {
    const { removedAt } = record ?? { removedAt: null };
    const inFlight = [groups.sync.run, groups.delete.run, ...zombies].filter((run) => run !== null);
    if (removedAt === null || inFlight.some((run) => run.readAt <= removedAt)) return;
    record = null;
    if (!mutated('recalls what it wrote before a tombstone expired')) remembered = null;
    say('the tombstone expires');
  }

  async function happen(word: number): Promise<void> {
    const n = (word >>> 8) & 0xffff;
    now += word >>> 24 < 224 ? (word >>> 24) % 3 : (word >>> 24) % 30;
    const what = word & 0x3f;
    if (what < 14) change(n);
    else if (what < 28) deliver(n);
    else if (what < 31) again(n);
    else if (what < 42) await work(groups.sync, n);
    else if (what < 52) await work(groups.delete, n);
    else if (what < 53) crash(groups.sync, n);
    else if (what < 54) crash(groups.delete, n);
    else if (what < 58) await haunt(n);
    else if (what < 61) expire();
  }

  for (const word of words.subarray(1)) await happen(word);

  // Consumes every event and finishes every run, in an order seeded by the first word.
  let random = setting;
  const draw = () => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return random >>> 8;
  };
  const caughtUp = (group: Group) => group.run === null && group.position >= log.length;
  while (undelivered.length > 0 || zombies.length > 0 || !caughtUp(groups.sync) || !caughtUp(groups.delete)) {
    now += draw() % 4;
    const what = draw() % 8;
    if (what < 2) deliver(draw());
    else if (what < 5) await work(groups.sync, draw());
    else if (what < 7) await work(groups.delete, draw());
    else await haunt(draw());
  }

  const expected = state === 'live' ? truth : null;
  const actual = record?.live === true ? record.content : null;
  const equal = expected?.container === actual?.container && expected?.source === actual?.source;
  return equal ? null : `Notion holds ${JSON.stringify(expected)}, the mirror ${JSON.stringify(record)}`;
}
