import { applyDelete, applySync } from '../src/apply-event.ts';
import { applyQueried, type QueryAnswer } from '../src/apply-query.ts';
import { decideRowDelete, isSettledByQuery, type RowRecordState } from '../src/query-rule.ts';
import { nextRev, type EventTimes } from '../src/write-rule.ts';
import { pause, startRun, step, type Run } from './model-run.ts';

/**
 * A model of one row: Notion with its own clock and with queries that lag, a log, a sync worker that reads singly, queries or leaves a flood to
 * a scan, a delete worker, and a worker that scans. They interleave at every step, crash, leave zombies behind and repeat their work. They run
 * the real `applySync`, `applyQueried` and `applyDelete`, and thus the real rules; everything around them is fake. A history is a list of 32-bit
 * words, one per happening.
 */

/** Time has no unit here. Clocks disagree by up to this, and waits are shorter and longer than it. */
const tolerance = 10;
/** A query may show the row as it was up to this long before the query began. */
const lag = 20;
/** Within such a window Notion may drop events, but never the last. */
const aggregationWindow = 8;
const id = 'row';

export type Mutation =
  | 'no lag'
  | 'no tolerance'
  | 'rule 1: a record written recently is overwritten'
  | 'rule 1: asOf instead of syncedAt'
  | 'rule 2: asOf is the start of the query'
  | 'rule 2: no single read after a conflict'
  | 'rule 3: the same content is never raised'
  | 'rule 4: an event is settled however late it came'
  | 'rule 5: absence removes'
  | 'rule 6: asOf instead of syncedAt'
  | 'a touched tombstone keeps its syncedAt'
  | 'a scan settles a wish however late it came'
  | 'a scan for a flood raises nothing';

/** `went back`: the mirror showed a state that Notion did not have, or one older than it had shown. */
export interface Failure {
  readonly kind: 'went back' | 'differs' | 'differs after the last scan';
  readonly message: string;
}

/** The row in Notion, from a time on. Its index in the list of versions is its age. */
interface Version {
  readonly time: number;
  readonly state: 'absent' | 'live' | 'trashed' | 'purged';
  readonly content: number;
  readonly isArchived: boolean;
}

interface ModelRecord extends RowRecordState {
  /** Null for a tombstone. */
  readonly shown: Version | null;
  /** Null for a live record. A tombstone may expire, and its successor starts at rev 1 again: this distinguishes the two. */
  readonly removedAt: number | null;
}

interface QueriedVersion {
  readonly id: string;
  readonly isInTrash: boolean;
  readonly version: number;
}

type Written = { readonly kind: 'written' } | { readonly kind: 'conflict' };

interface LogEvent extends EventTimes {
  readonly kind: 'sync' | 'delete';
  readonly version: number;
}

interface Notification {
  readonly kind: 'sync' | 'delete';
  readonly occurredAt: number;
  readonly trueTime: number;
  readonly version: number;
}

interface Group {
  readonly kind: 'sync' | 'delete';
  position: number;
  run: Run | null;
  /** The group's position after the run. */
  next: number;
}

/** Runs a history, consumes every event, lets a last scan run, and returns what is wrong; null when nothing is. */
export async function runHistory(
  words: Uint32Array,
  mutation: Mutation | null = null,
  trace?: (line: string) => void,
): Promise<Failure | null> {
  const mutated = (name: Mutation) => mutation === name;
  const toleranceUsed = mutated('no tolerance') ? 0 : tolerance;
  const lagUsed = mutated('no lag') ? 0 : lag;

  // The first word sets the clocks; any two disagree by at most the tolerance.
  const setting = words[0] ?? 0;
  const offsets = [-tolerance / 2, 0, tolerance / 2];
  const offset = (shift: number) => offsets[(setting >>> shift) % offsets.length] ?? 0;
  const clocks = { notion: offset(0), ingress: offset(4), sync: offset(8), delete: offset(12), scan: offset(16) };
  /** Events get lost, changes have none, queries leave rows out: only a scan makes the mirror equal again. */
  const isLossy = (setting >>> 24) % 4 === 0;
  /** How the sync worker answers events: at random, or mostly by queries, or by scans. */
  const habit = (setting >>> 26) % 4;
  const deletesComeLate = (setting >>> 28) % 2 === 1;
  const isSlow = (setting >>> 29) % 2 === 1;

  let random = setting;
  /** Goes on from the word that is being played. */
  const draw = () => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return random >>> 8;
  };

  let now = 1000;
  const versions: Version[] = [{ time: 0, state: 'absent', content: 0, isArchived: false }];
  let record = null as ModelRecord | null;
  let shown = 0;
  let wentBack = null as string | null;
  let isLast = false;
  let undelivered: Notification[] = [];
  const delivered: Notification[] = [];
  const log: LogEvent[] = [];
  /** When a flood was left to a scan, by the sync worker's clock. */
  let wishes: { readonly at: number }[] = [];
  const groups: Record<'sync' | 'delete', Group> = {
    sync: { kind: 'sync', position: 0, run: null, next: 0 },
    delete: { kind: 'delete', position: 0, run: null, next: 0 },
  };
  let scanner = null as Run | null;
  const zombies: Run[] = [];
  // The sync worker's last write; lost in a crash.
  let remembered = null as { readonly record: ModelRecord; readonly at: number } | null;

  const say = (line: string) => trace?.(`${now} ${line}`);
  const versionOf = (index: number) => versions[index] ?? { time: 0, state: 'absent' as const, content: 0, isArchived: false };
  const newest = () => versions.length - 1;
  const nameOf = ({ state, content, isArchived }: Version) => `${state} ${content}${isArchived ? ', archived' : ''}`;

  // -- the store

  async function read(run: Run): Promise<ModelRecord | null> {
    await pause(run);
    run.readAt = now;
    return record;
  }

  /** Counts as a read at the time the record was remembered. */
  function recall(run: Run): ModelRecord | null {
    if (remembered === null || run !== groups.sync.run) return null;
    run.readAt = remembered.at;
    return remembered.record;
  }

  /** `version`: which of Notion's states the writer saw. */
  function store(run: Run, expected: ModelRecord | null, version: number, wanted: Omit<ModelRecord, 'rev'>): Written {
    // Like the store's conditional upsert: a record that vanished meanwhile (an expired tombstone) does not conflict.
    const isAsRead = record === null || (record.rev === expected?.rev && record.removedAt === expected.removedAt);
    if (run === groups.sync.run) remembered = null;
    if (!isAsRead) return { kind: 'conflict' };
    if (wanted.live || record?.live === true) {
      const isTrue = isEqual(versionOf(version).state === 'live' ? versionOf(version) : null, wanted.shown);
      if (version < shown || !isTrue) wentBack ??= `at ${now} from version ${shown} to ${version}`;
    }
    shown = Math.max(shown, version);
    record = { ...wanted, rev: nextRev(expected) };
    if (run === groups.sync.run && wanted.live) remembered = { record, at: now };
    return { kind: 'written' };
  }

  // -- Notion

  function change(n: number): void {
    const { state, content, isArchived } = versionOf(newest());
    const silent = { live: ['archive'], trashed: ['purge'], absent: [], purged: [] } as const;
    const announced = { absent: ['create'], live: ['edit', 'trash'], trashed: ['restore', 'restore'], purged: [] } as const;
    const choices: readonly string[] = [...announced[state], ...(isLossy ? silent[state] : [])];
    const choice = choices[n % Math.max(choices.length, 1)];
    if (choice === undefined) return;
    versions.push({
      time: now,
      state: choice === 'trash' ? 'trashed' : choice === 'purge' ? 'purged' : 'live',
      // The same content can come back.
      content: choice === 'edit' ? (content + 1 + ((n >>> 3) % 2)) % 3 : content,
      isArchived: choice === 'archive' ? !isArchived : isArchived,
    });
    if (choice === 'archive' || choice === 'purge') {
      say(`Notion: ${choice}, without an event: version ${newest()}`);
      return;
    }
    const aggregates = (n >>> 4) % 4 === 1;
    if (aggregates) undelivered = undelivered.filter(({ trueTime }) => now - trueTime >= aggregationWindow);
    const isLost = isLossy && (n >>> 6) % 4 === 0;
    const kind = choice === 'trash' ? 'delete' : 'sync';
    if (!isLost) undelivered.push({ kind, occurredAt: now + clocks.notion, trueTime: now, version: newest() });
    const fate = `${aggregates ? ', earlier events of the window dropped' : ''}${isLost ? ', its event lost' : ''}`;
    say(`Notion: ${choice}${fate}: version ${newest()}, ${nameOf(versionOf(newest()))}`);
  }

  function deliver(n: number): void {
    const index = n % Math.max(undelivered.length, 1);
    if (deletesComeLate && undelivered[index]?.kind === 'delete' && (n >>> 4) % 8 > 0) return;
    const [notification] = undelivered.splice(index, 1);
    if (notification === undefined) return;
    delivered.push(notification);
    receive(notification, 'delivered');
  }

  function again(n: number): void {
    const notification = delivered[n % Math.max(delivered.length, 1)];
    if (notification !== undefined) receive(notification, 'delivered again');
  }

  function receive({ kind, occurredAt, version }: Notification, how: string): void {
    log.push({ kind, occurredAt, receivedAt: now + clocks.ingress, version });
    say(`${how}: ${kind} of version ${version}, received at ${now + clocks.ingress}`);
  }

  /** One partition: the row as it was at some time between one lag before the query began and its answer. */
  async function query(run: Run, clock: number, partition: 'live' | 'archived'): Promise<QueryAnswer<QueriedVersion>> {
    const began = now;
    // What the answer shows may be this old, and so must be what is written over it.
    run.readAt = Math.min(run.readAt, began - lag - 2 * tolerance);
    await pause(run);
    const times = [began - lag, now, began - lag + (draw() % (now - began + lag + 1))];
    const time = times[draw() % times.length] ?? now;
    const version = versions.findLastIndex((one) => one.time <= time);
    const { state, isArchived } = versionOf(version);
    const isMissed = isLossy && !isLast && draw() % 16 === 0;
    const isThere = state === 'live' ? isArchived === (partition === 'archived') : state === 'trashed' && partition === 'archived';
    const rows = isThere && !isMissed ? [{ id, isInTrash: state === 'trashed', version }] : [];
    const startedAt = began + clock;
    say(`query of ${partition} begun at ${startedAt}: ${rows.length === 0 ? 'nothing' : nameOf(versionOf(version))} of version ${version}`);
    return { startedAt, lagMs: lagUsed, toleranceMs: toleranceUsed, rows, absent: [] };
  }

  // -- the workers

  async function readSingly(run: Run, clock: number, event: EventTimes): Promise<void> {
    const result = await applySync<ModelRecord, number, Written>(
      {
        recall: () => recall(run),
        read: () => read(run),
        now: () => now + clock,
        fetch: async () => {
          await pause(run);
          return newest();
        },
        write: async (expected, version, asOf) => {
          await pause(run);
          const syncedAt = now + clock;
          await pause(run);
          const seen = versionOf(version);
          const wanted = { asOf, syncedAt, source: 'fetch' as const };
          const outcome =
            seen.state === 'live'
              ? store(run, expected, version, { ...wanted, live: true, shown: seen, removedAt: null })
              : store(run, expected, version, { ...wanted, live: false, shown: null, removedAt: now });
          say(`single read: version ${version} as of ${asOf}: ${outcome.kind}`);
          return outcome;
        },
      },
      event,
      toleranceUsed,
    );
    if (result.kind === 'skipped') say(`single read: skipped, record as of ${result.record?.asOf}`);
  }

  async function applyAnswer(run: Run, clock: number, answer: QueryAnswer<QueriedVersion>, awaited: EventTimes | null): Promise<boolean> {
    const { readAt } = run;
    let conflicts = false;
    let before = null as ModelRecord | null;
    const outcomes = await applyQueried<ModelRecord, QueriedVersion, Written>(
      {
        awaited: () => awaited,
        read: async () => {
          before = await read(run);
          run.readAt = Math.min(readAt, run.readAt);
          if (before === null) return new Map();
          if (mutated('rule 1: a record written recently is overwritten')) return new Map([[id, { ...before, syncedAt: -Infinity }]]);
          if (mutated('rule 1: asOf instead of syncedAt')) return new Map([[id, { ...before, syncedAt: before.asOf }]]);
          return new Map([[id, before]]);
        },
        isSame: (one, { version }) => isEqual(one.shown, versionOf(version)),
        write: async (writes) => {
          const syncedAt = now + clock;
          await pause(run);
          return writes.map(({ record: expected, row: { version }, asOf }) => {
            const isRaise = isEqual(expected?.shown ?? null, versionOf(version));
            if (isRaise && mutated('rule 3: the same content is never raised')) return { kind: 'written' };
            const outcome = store(run, expected, version, {
              live: true,
              shown: versionOf(version),
              asOf: mutated('rule 2: asOf is the start of the query') ? asOf + lag : asOf,
              syncedAt,
              source: 'fetch',
              removedAt: null,
            });
            say(`query's answer: version ${version} as of ${asOf}: ${outcome.kind}`);
            conflicts = outcome.kind === 'conflict';
            return outcome;
          });
        },
        readSingly: async (reads) => {
          if (conflicts && mutated('rule 2: no single read after a conflict')) return;
          if (answer.absent.length > 0 && mutated('rule 5: absence removes')) {
            const asOf = answer.startedAt - answer.lagMs;
            if (before === null || before.syncedAt + toleranceUsed >= asOf) return;
            store(run, before, newest(), { live: false, shown: null, asOf, syncedAt: now + clock, source: 'fetch', removedAt: now });
            return;
          }
          for (const { event } of reads) await readSingly(run, clock, event);
        },
      },
      answer,
    );
    for (const { decision, isSettled } of outcomes) say(`query's answer: ${decision}${isSettled ? ', settles' : ''}`);
    return outcomes.every(({ isSettled }) => isSettled);
  }

  async function sync(run: Run, event: EventTimes, n: number): Promise<void> {
    const clock = clocks.sync;
    const how = n % 4 === 0 ? (['read', 'query', 'leave'] as const)[(n >>> 2) % 3] : (['read', 'query', 'query', 'leave'] as const)[habit];
    if (how === 'leave') {
      await pause(run);
      wishes.push({ at: now + clock });
      say(`sync: left to a scan, at ${now + clock}`);
      return;
    }
    if (how === 'query') {
      const answer = await query(run, clock, 'live');
      const awaited = mutated('rule 4: an event is settled however late it came') ? { ...event, receivedAt: -Infinity } : event;
      const absent = answer.rows.length === 0 ? [id] : [];
      if (await applyAnswer(run, clock, { ...answer, absent }, awaited)) return;
    }
    await readSingly(run, clock, event);
  }

  async function scan(run: Run): Promise<void> {
    const clock = clocks.scan;
    const live = await query(run, clock, 'live');
    const isFulfilled = ({ at }: { readonly at: number }) =>
      mutated('a scan settles a wish however late it came') || isSettledByQuery(live, { receivedAt: at });
    const fulfilled = wishes.filter(isFulfilled);
    const latest = Math.max(...fulfilled.map(({ at }) => at));
    const isAwaited = fulfilled.length > 0 && !mutated('a scan for a flood raises nothing');
    const awaited = isAwaited ? { occurredAt: latest, receivedAt: latest } : null;
    await applyAnswer(run, clock, live, awaited);
    const archived = await query(run, clock, 'archived');
    await applyAnswer(run, clock, archived, awaited);
    if (live.rows.length === 0 && archived.rows.length === 0) {
      await pause(run);
      // Only live records are compared with Notion.
      if (record?.live === true) await applyAnswer(run, clock, { ...live, absent: [id] }, awaited);
    }
    await pause(run);
    wishes = wishes.filter((wish) => !fulfilled.includes(wish));
    say(`scan: done, ${wishes.length} wishes left`);
  }

  async function remove(run: Run, event: LogEvent): Promise<void> {
    const clock = clocks.delete;
    const { decision } = await applyDelete<ModelRecord, Written>(
      {
        read: async () => {
          const seen = await read(run);
          return seen !== null && mutated('rule 6: asOf instead of syncedAt') ? { ...seen, syncedAt: seen.asOf } : seen;
        },
        write: async (expected, what) => {
          const syncedAt = now + clock;
          await pause(run);
          const isTouch = what === 'touch_tombstone' && expected !== null;
          const kept = isTouch ? expected : { asOf: event.receivedAt, source: 'delete' as const };
          return store(run, expected, event.version, {
            live: false,
            shown: null,
            asOf: kept.asOf,
            syncedAt: isTouch && mutated('a touched tombstone keeps its syncedAt') ? expected.syncedAt : syncedAt,
            source: kept.source,
            removedAt: now,
          });
        },
        recheck: async () => {
          await pause(run);
          log.push({ ...event, kind: 'sync', receivedAt: now + clock });
        },
      },
      event,
      toleranceUsed,
      decideRowDelete,
    );
    say(`delete of version ${event.version}: ${decision}`);
  }

  function start(group: Group, n: number): void {
    const atMost = group.kind === 'sync' ? 1 + (n % 3) : 1;
    const taken: LogEvent[] = [];
    let next = group.position;
    for (; next < log.length && taken.length < atMost; next += 1) {
      const event = log[next];
      if (event?.kind === group.kind) taken.push(event);
    }
    group.next = next;
    const last = taken.reduce<LogEvent | null>((a, b) => (a === null || b.receivedAt >= a.receivedAt ? b : a), null);
    if (last === null) {
      group.position = next;
      return;
    }
    group.run = startRun((run) => (group.kind === 'sync' ? sync(run, last, n >>> 4) : remove(run, last)));
  }

  async function work(group: Group, n: number): Promise<void> {
    for (let steps = 1 + ((n >>> 2) % 4); steps > 0; steps -= 1) {
      if (group.run === null) start(group, n);
      if (group.run === null) return;
      await step(group.run);
      if (group.run.finished) {
        group.run = null;
        group.position = group.next;
      }
    }
  }

  async function workOnScan(n: number): Promise<void> {
    for (let steps = 1 + ((n >>> 2) % 4); steps > 0; steps -= 1) {
      scanner ??= startRun(scan);
      await step(scanner);
      if (scanner.finished) {
        scanner = null;
        return;
      }
    }
  }

  function crash(n: number): void {
    if (n % 3 === 2) {
      if (scanner !== null) zombies.push(scanner);
      scanner = null;
      say('the scan crashes');
      return;
    }
    const group = n % 3 === 0 ? groups.sync : groups.delete;
    if (group.run !== null) zombies.push(group.run);
    group.run = null;
    if (group.kind === 'sync') remembered = null;
    group.position = Math.max(0, group.position - ((n >>> 2) % 8));
    say(`${group.kind} worker crashes; its successor begins at ${group.position}`);
  }

  async function haunt(n: number): Promise<void> {
    const index = n % Math.max(zombies.length, 1);
    const zombie = zombies[index];
    if (zombie === undefined) return;
    await step(zombie);
    if (zombie.finished) zombies.splice(index, 1);
  }

  /** A tombstone far outlives every lag, read and memory, so it expires only when every run in flight has read the record since it was written. */
  function expire(): void {
    const { removedAt } = record ?? { removedAt: null };
    const inFlight = [{ readAt: now - lag }, groups.sync.run, groups.delete.run, scanner, ...zombies].filter((run) => run !== null);
    if (removedAt === null || inFlight.some((run) => run.readAt <= removedAt)) return;
    record = null;
    remembered = null;
    say('the tombstone expires');
  }

  async function happen(word: number): Promise<void> {
    random = word;
    const n = (word >>> 8) & 0xffff;
    now += word >>> 24 < (isSlow ? 128 : 208) ? (word >>> 24) % 3 : (word >>> 24) % 40;
    const what = word & 0x3f;
    if (what < 13) change(n);
    else if (what < 25) deliver(n);
    else if (what < 28) again(n);
    else if (what < 39) await work(groups.sync, n);
    else if (what < 47) await work(groups.delete, n);
    else if (what < 55) await workOnScan(n);
    else if (what < 57) crash(n);
    else if (what < 61) await haunt(n);
    else if (what < 63) expire();
  }

  for (const word of words.subarray(1)) await happen(word);

  // Consumes every event, fulfils every wish and finishes every run, in an order seeded by the first word.
  random = setting;
  const caughtUp = (group: Group) => group.run === null && group.position >= log.length;
  const isScanning = () => scanner !== null || wishes.length > 0;
  while (undelivered.length > 0 || zombies.length > 0 || isScanning() || !caughtUp(groups.sync) || !caughtUp(groups.delete)) {
    now += draw() % 4;
    const what = draw() % 10;
    if (what < 2) deliver(draw());
    else if (what < 5) await work(groups.sync, draw());
    else if (what < 7) await work(groups.delete, draw());
    else if (what < 9) await haunt(draw());
    else if (isScanning()) await workOnScan(draw());
  }

  const difference = () => {
    const expected = versionOf(newest());
    const actual = record?.live === true ? record.shown : null;
    return isEqual(expected.state === 'live' ? expected : null, actual)
      ? null
      : `Notion: ${nameOf(expected)}, the mirror: ${JSON.stringify(record)}`;
  };
  const early = isLossy ? null : difference();
  if (early !== null) return { kind: 'differs', message: early };

  now += lag;
  isLast = true;
  say('the last scan');
  do await workOnScan(0);
  while (scanner !== null);
  const late = difference();
  if (late !== null) return { kind: 'differs after the last scan', message: late };
  return wentBack === null ? null : { kind: 'went back', message: wentBack };
}

function isEqual(a: Version | null, b: Version | null): boolean {
  return a === null || b === null ? a === b : a.content === b.content && a.isArchived === b.isArchived;
}
