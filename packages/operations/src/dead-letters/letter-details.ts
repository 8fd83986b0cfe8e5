import type { DecodeResult } from '@notion-mirror/event-log/event-codec';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { LogPlace } from '../log-place.ts';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { eventCodecOf } from '../servers.ts';
import { rangesAround } from './plan.ts';
import { openDeadLetterTopic, type Letter } from './topic.ts';
import { previewOf, type ValuePreview } from './value-preview.ts';

/** The kind of a letter's value. `none`: it has none; `webhook`: the body of a webhook. */
export type LetterValue = { readonly kind: 'none' } | { readonly kind: 'webhook' } | DecodeResult;

export interface LetterDetails {
  readonly letter: Letter;
  readonly value: LetterValue;
  /** Null when there is no value, or when it is an event, which holds no secret. */
  readonly preview: ValuePreview | null;
}

/** Everything about one dead letter. Rejects with an OperatorError when it is not on the topic. */
export async function readLetter(context: OperationContext, db: Mongo['db'], place: LogPlace): Promise<LetterDetails> {
  const topic = openDeadLetterTopic(context, db);
  const found: Letter[] = [];
  await topic.read(rangesAround([place], await topic.ends()), async (letters) => {
    found.push(...letters);
    return 'more';
  });
  const [letter] = found;
  if (letter === undefined) throw new OperatorError('unknown_dead_letter', 'the dead letter is gone: it was removed just now');
  const value = await valueOf(context, letter);
  const bytes = letter.record.value;
  const { redact } = context;
  const preview = bytes === null || value.kind === 'event' ? null : previewOf(bytes, { isWebhook: value.kind === 'webhook', redact });
  return { letter, value, preview };
}

async function valueOf(context: OperationContext, { record, redrive }: Letter): Promise<LetterValue> {
  if (record.value === null) return { kind: 'none' };
  if (redrive.to === 'ingress') return { kind: 'webhook' };
  try {
    const codec = await eventCodecOf(context);
    return await codec.decode(record.value);
  } catch (error) {
    return { kind: 'unavailable', error: error instanceof Error ? error : new Error(String(error)) };
  }
}
