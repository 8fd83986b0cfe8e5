import { Router } from '@koa/router';
import { z } from 'zod';
import { readBody } from './body.ts';

/** One operation of a control API. Its input is the JSON body, or the query for GET and DELETE. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly run: (input: unknown) => unknown;
}

/** Thrown for an input that names an unknown object or an impossible operation. */
export class ControlError extends Error {
  readonly status: 400 | 404 | 409;
  constructor(status: 400 | 404 | 409, message: string) {
    super(message);
    this.status = status;
  }
}

/** The object with this id. Throws a ControlError for none. */
export function found<T>(value: T | undefined, kind: string, id: string): T {
  if (value === undefined) throw new ControlError(404, `There is no ${kind} with the id ${id}.`);
  return value;
}

/** A route that validates the input before calling `run`. */
export function controlRoute<Schema extends z.ZodType>(
  method: ControlRoute['method'],
  path: string,
  schema: Schema,
  run: (input: z.output<Schema>) => unknown,
): ControlRoute {
  return { method, path, run: (input) => run(schema.parse(input)) };
}

/**
 * Serves the routes under `/_control`. Answers 200 with the result of `run` (`{}` for none), 400 with `{error, issues}` for an invalid
 * input, and the status of a `ControlError`.
 */
export function controlRouter(routes: readonly ControlRoute[]): Router {
  const router = new Router({ prefix: '/_control' });
  for (const { method, path, run } of routes) {
    router.register(path, [method], async (ctx) => {
      ctx.type = 'application/json; charset=utf-8';
      try {
        const input = method === 'POST' ? await jsonInput(ctx.req) : { ...ctx.query };
        ctx.body = JSON.stringify((await run(input)) ?? {});
      } catch (error) {
        if (error instanceof z.ZodError) {
          ctx.status = 400;
          ctx.body = JSON.stringify({ error: z.prettifyError(error), issues: error.issues });
        } else if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500) {
          // A ControlError, or an error of the emulated API itself.
          ctx.status = error.status;
          ctx.body = JSON.stringify({ error: error.message });
        } else throw error;
      }
    });
  }
  router.all('/*rest', (ctx) => {
    ctx.status = 404;
    ctx.body = { error: `There is no ${ctx.method} ${ctx.path}.` };
  });
  return router;
}

async function jsonInput(request: Parameters<typeof readBody>[0]): Promise<unknown> {
  const body = await readBody(request, 10 * 1024 * 1024);
  if (body.kind === 'too_large') throw new ControlError(400, 'The body is larger than 10 MiB.');
  if (body.bytes.length === 0) return {};
  try {
    return JSON.parse(body.bytes.toString('utf8'));
  } catch (error) {
    throw new ControlError(400, `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
