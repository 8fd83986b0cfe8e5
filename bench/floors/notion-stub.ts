// A Notion that answers at once and knows every database and every row: the least that serves the product's calls, in a process of its own, so that the
// product is measured. BENCH_PORT: where it listens. BENCH_CALL_MS: its latency.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { databaseAnswer, dataSourceAnswer } from '../notion-answers.ts';
import { createRowAnswers } from './row-pages.ts';

const env = z.object({ BENCH_PORT: z.coerce.number(), BENCH_CALL_MS: z.coerce.number().default(0) }).parse(process.env);
const nothingFound = JSON.stringify({ object: 'list', results: [], has_more: false, next_cursor: null, type: 'page_or_data_source' });
const someId = '00000000-0000-4000-8000-000000000000';

/** Rendered once. Ids of a database and of its source differ by the first digit only, which stays. */
const answers = {
  databases: answering(JSON.stringify(databaseAnswer(someId))),
  data_sources: answering(JSON.stringify(dataSourceAnswer(`f${someId.slice(1)}`))),
} as const;
const rows = createRowAnswers();

function answering(text: string): (id: string) => string {
  const tail = someId.slice(1);
  const undashed = tail.replaceAll('-', '');
  return (id) => text.replaceAll(tail, id.slice(1)).replaceAll(undashed, id.slice(1).replaceAll('-', ''));
}

async function answerTo(request: IncomingMessage): Promise<string> {
  const [, , kind, id = '', query] = (request.url ?? '').split('/');
  if (query === 'query') return rows.query(id, await json(request));
  request.resume();
  if (kind === 'pages') return rows.page(id);
  return kind === 'databases' || kind === 'data_sources' ? answers[kind](id) : nothingFound;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await answerTo(request);
  if (env.BENCH_CALL_MS > 0) await delay(env.BENCH_CALL_MS);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

const server = createServer((request, response) => void answer(request, response));
server.listen(env.BENCH_PORT, '127.0.0.1', () => process.stdout.write(`${env.BENCH_PORT}\n`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
