import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, Middleware } from 'koa';
import type { ActiveFault, FaultKit, FaultKind, RequestFacts } from './faults.ts';

/** Faults that are ordinary error responses, rendered by each server itself. */
export type AnsweredFault = ActiveFault & {
  readonly kind: Exclude<FaultKind, (typeof handledHere)[number]>;
};

/** The other faults: those of the connection, altered responses, and literal ones. */
const handledHere = [
  'latency',
  'hang',
  'connection_reset',
  'truncated_body',
  'malformed_json',
  'answer',
  'repeated_cursor',
] as const satisfies readonly FaultKind[];

/** Applies the fault kit to every request. `stopped` releases requests it holds. */
export function faultMiddleware({
  faults,
  factsOf,
  answer,
  stopped,
}: {
  faults: FaultKit;
  factsOf: (ctx: Context) => RequestFacts;
  answer: (ctx: Context, fault: AnsweredFault) => void;
  stopped: AbortSignal;
}): Middleware {
  return async (ctx, next) => {
    const facts = factsOf(ctx);
    for (const fault of faults.hits(facts)) {
      if (fault.kind === 'latency') await sleep(fault.latencyMs ?? 1000, undefined, { signal: stopped }).catch(() => undefined);
      else if (fault.kind === 'answer') return answerLiterally(ctx, fault);
      else if (fault.kind === 'repeated_cursor') return repeatCursor(ctx, next, facts.paging?.cursor ?? null);
      else if (isAnswered(fault)) return answer(ctx, fault);
      else return broken(ctx, next, fault.kind, stopped);
    }
    return next();
  };
}

function isAnswered(fault: ActiveFault): fault is AnsweredFault {
  return !handledHere.some((kind) => kind === fault.kind);
}

function answerLiterally(ctx: Context, { status = 200, body = {} }: ActiveFault): void {
  const id = ctx.path.slice(ctx.path.lastIndexOf('/') + 1);
  ctx.status = status;
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = JSON.stringify(body).replaceAll('{id}', id);
}

async function repeatCursor(ctx: Context, next: () => Promise<unknown>, cursor: string | null): Promise<void> {
  await next();
  const page: unknown = ctx.body;
  if (typeof page === 'object' && page !== null && 'has_more' in page && cursor !== null) {
    ctx.body = { ...page, has_more: true, next_cursor: cursor };
  }
}

async function broken(ctx: Context, next: () => Promise<unknown>, kind: FaultKind, stopped: AbortSignal): Promise<void> {
  if (kind === 'hang') await hang(ctx, stopped);
  if (kind === 'connection_reset') {
    ctx.respond = false;
    ctx.req.socket.resetAndDestroy();
  }
  if (kind === 'truncated_body') {
    await next();
    truncate(ctx);
  }
  if (kind === 'malformed_json') {
    ctx.status = 200;
    ctx.type = 'application/json; charset=utf-8';
    ctx.body = '{"object":"list","results":[{"obj';
  }
}

function hang(ctx: Context, stopped: AbortSignal): Promise<void> {
  ctx.respond = false;
  return new Promise((resolve) => {
    const end = () => {
      ctx.req.socket.destroy();
      resolve();
    };
    if (stopped.aborted) return end();
    stopped.addEventListener('abort', end, { once: true });
    ctx.req.socket.once('close', () => {
      stopped.removeEventListener('abort', end);
      resolve();
    });
  });
}

function truncate(ctx: Context): void {
  const body = Buffer.from(JSON.stringify(ctx.body ?? null));
  ctx.respond = false;
  ctx.res.writeHead(ctx.status, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
  ctx.res.write(body.subarray(0, Math.floor(body.length / 2)), () => ctx.req.socket.destroy());
}
