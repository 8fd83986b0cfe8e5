import { topicsFor } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { messageOf } from '../error-text.ts';
import type { OperationContext } from '../operation-context.ts';
import { every } from '../progress.ts';
import { openPublisher } from '../servers.ts';
import { carryOut, type Progress } from './carry-out.ts';
import type { Destinations, Plan } from './plan.ts';
import type { DeadLetterTopic } from './topic.ts';

/**
 * The possible destinations of redriven letters, and what can sign a webhook: the configured keys, or for Notion the token kept by the ingress.
 * `problem`: why that token cannot be used; null when it can, or is not needed.
 */
export async function destinationsOf(
  { config, redact }: OperationContext,
  db: Mongo['db'],
  ingressUrl: string | null,
): Promise<{ readonly destinations: Destinations; readonly problem: string | null }> {
  let kept: string | null = null;
  let problem: string | null = null;
  if (ingressUrl !== null && config.notionVerificationTokens.length === 0) {
    try {
      kept = await createHandshakeStore({ db, encryptionKey: config.encryptionKey }).get('notion');
    } catch (error) {
      problem = `the kept verification token cannot be used: ${redact(messageOf(error))}`;
    }
  }
  const signers = { nango: config.nangoSigningKeys[0] ?? null, notion: config.notionVerificationTokens[0] ?? kept };
  return { destinations: { events: topicsFor(config.topicPrefix).events, ingressUrl, signers }, problem };
}

const progressMs = 1_000;

/**
 * Carries a plan out, counts in `progress`, and removes settled letters from the old end of the topic. Resolves to the number of removed
 * letters; a failure is in `progress`. Rejects only when `signal` aborts.
 */
export async function settleLetters(
  context: OperationContext,
  letters: DeadLetterTopic,
  plan: Plan,
  destinations: Destinations,
  progress: Progress,
): Promise<number> {
  const { redact, signal } = context;
  const done = plan.action === 'drop' ? 'dropped' : 'redriven';
  const onProgress = every(progressMs, () => context.onProgress(`${progress.done} of ${plan.refs.size} ${done}`));
  const needsLog = plan.targets.has(destinations.events);
  const publisher = needsLog ? await openPublisher(context) : null;
  try {
    await carryOut(plan, progress, { letters, destinations, publisher, signal, onProgress });
    // Letters newer than the plan are not considered.
    return progress.done > 0 ? await letters.removeSettled(await letters.ends()) : 0;
  } catch (error) {
    if (signal.aborted) throw error;
    progress.failure ??= redact(messageOf(error));
    return 0;
  } finally {
    await publisher?.stop();
  }
}
