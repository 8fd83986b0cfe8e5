import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** A span as a backend gets it. Empty ids are null. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: ReceivedSpan['attributes'] }[];
  readonly events: readonly string[];
  readonly isError: boolean;
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** What all spans said, byte for byte. */
  text(): string;
  /** Requests that were not spans in the form of OTLP. */
  readonly problems: readonly string[];
  stop(): Promise<void>;
}

const value = z.union([
  z.object({ stringValue: z.string() }).transform((found) => found.stringValue),
  z.object({ intValue: z.union([z.number(), z.string()]) }).transform((found) => Number(found.intValue)),
  z.object({ doubleValue: z.number() }).transform((found) => found.doubleValue),
  z.object({ boolValue: z.boolean() }).transform((found) => found.boolValue),
  z.unknown().transform((found) => JSON.stringify(found)),
]);
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .default([])
  .transform((all) => Object.fromEntries(all.map((one) => [one.key, one.value])));
const link = z.object({ traceId: z.string(), spanId: z.string(), attributes });
const span = z.object({
  name: z.string(),
  kind: z.number(),
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  attributes,
  links: z.array(link).default([]),
  events: z.array(z.object({ name: z.string() })).default([]),
  status: z.object({ code: z.number().optional() }).default({}),
});
const request = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes }), scopeSpans: z.array(z.object({ spans: z.array(span).default([]) })) }),
  ),
});

/** A backend for traces: OTLP over HTTP, in JSON. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const problems: string[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      bodies.push(body);
      const parsed = incoming.url === '/v1/traces' ? request.safeParse(JSON.parse(body)) : null;
      if (parsed?.success === true) take(parsed.data);
      else problems.push(`${incoming.url}: ${parsed === null ? 'not a path of OTLP' : z.prettifyError(parsed.error)}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });

  function take({ resourceSpans }: z.output<typeof request>): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const one of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({
          ...one,
          service: String(resource.attributes['service.name']),
          parentSpanId: one.parentSpanId === undefined || one.parentSpanId === '' ? null : one.parentSpanId,
          events: one.events.map(({ name }) => name),
          isError: one.status.code === 2,
        });
      }
    }
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    text: () => bodies.join('\n'),
    problems,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
