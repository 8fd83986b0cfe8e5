import type { DecodeResult } from '@notion-mirror/event-log/event-codec';
import { oneLine } from '../text.ts';
import type { Cause, Causes } from './causes.ts';
import { refOf } from './filter.ts';
import type { LetterDetails, LetterValue } from './letter-details.ts';
import type { LetterLine } from './list-letters.ts';
import type { Letter } from './topic.ts';
import { maskSecrets } from './value-preview.ts';

/** Removes configured secrets from a text. */
type Redact = (text: string) => string;

export function causeJson({ tenants, oldest, newest, ...cause }: Cause, redact: (text: string) => string) {
  return {
    ...cause,
    message: redact(cause.message),
    oldest: oldest.toISOString(),
    newest: newest.toISOString(),
    tenants: tenants.size,
  };
}

const shownTenants = 20;

/** The letters of a plan by tenant: those with the most, and how many tenants more. */
export function tenantsJson(causes: Pick<Causes, 'byTenant'>) {
  const { tenants, more } = causes.byTenant(shownTenants);
  return { byTenant: tenants.map(({ workspaceId, letters }) => ({ workspaceId, letters })), moreTenants: more };
}

export function letterJson(letter: LetterLine, redact: Redact) {
  const { cause, service, attempts, firstFailedAt, failedAt, workspaceId, eventId, eventType, redrive, redrives, settlement } = letter;
  return {
    ref: refOf(letter),
    class: cause.class,
    code: cause.code,
    message: redact(cause.message),
    service,
    attempts,
    firstFailedAt: firstFailedAt?.toISOString() ?? null,
    failedAt: failedAt.toISOString(),
    workspaceId,
    eventId,
    eventType,
    route: redrive.to === 'ingress' ? redrive.route : null,
    redrives,
    settled: settlement === null ? null : { action: settlement.action, at: settlement.at.toISOString() },
  };
}

export function detailsJson({ letter, value, preview }: LetterDetails, redact: Redact) {
  const { record } = letter;
  return {
    ...letterJson(letter, redact),
    headers: Object.fromEntries(headersOf(letter, redact)),
    value: {
      bytes: record.value?.length ?? null,
      event: value.kind === 'event' ? eventJson(value) : null,
      problem: problemOf(value, redact),
      preview: preview === null ? null : { ...preview },
    },
  };
}

export function headersOf({ record }: Letter, redact: Redact): [string, string][] {
  return Object.entries(record.headers).map(([name, text]) => [name, maskSecrets(redact(text))]);
}

export function eventJson({ event }: Extract<DecodeResult, { kind: 'event' }>): Readonly<Record<string, string | null>> {
  const { trace: _, ...fields } = event;
  return { ...fields, occurredAt: event.occurredAt.toISOString(), receivedAt: event.receivedAt.toISOString() };
}

export function problemOf(value: LetterValue, redact: Redact): string | null {
  switch (value.kind) {
    case 'event':
      return null;
    case 'none':
      return 'the record has no value';
    case 'webhook':
      return 'the body of a webhook, as it came';
    case 'poison':
      return oneLine(redact(`not an event: ${value.code}: ${value.message}`));
    case 'unavailable':
      return oneLine(redact(`it cannot be decoded now: ${value.error.message}`));
  }
}
