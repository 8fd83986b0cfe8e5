import { Argument, type Command as Program } from 'commander';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { createHandshakeStore, type HandshakeSlot, type HandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { recordAction, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { exitCode } from './exit-code.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';
import { useMongo } from '@notion-mirror/operations/servers';

const slots: readonly HandshakeSlot[] = ['notion', 'nango'];

function slotArgument(): Argument {
  return new Argument('[slot]', 'its route: directly from Notion, or through Nango (default: both)').choices(slots);
}

export function addHandshakeCommands(program: Program, act: Act): void {
  const handshake = program
    .command('handshake')
    .description('manages the verification token that Notion sends when a webhook subscription is created');

  handshake
    .command('show')
    .description('prints the token, once: paste it into Notion (Verify), and into Nango (Webhook secret) if it came through Nango')
    .addArgument(slotArgument())
    .addOption(reasonFlag())
    .action(async (chosen: HandshakeSlot | undefined, options: ReasonOptions) => {
      await act(async (context) => {
        const reason = reasonOption(options);
        const taken = await ofSlots(context, chosen, async (store, name) => ({ slot: name, ...(await store.takeForDisplay(name)) }), {
          before: assertReadable,
          recorded: (slotNames) => ({ action: 'handshake.show', workspaceId: null, target: { slots: slotNames }, reason }),
          countsOf: (all) => ({ shown: all.filter(({ kind }) => kind === 'token').length }),
        });
        const tokens = taken.filter((one) => one.kind === 'token');
        if (tokens.length === 0) throw nothingToShow(taken);
        const json = tokens.map(({ slot: name, token, receivedAt }) => ({ slot: name, token, receivedAt: receivedAt.toISOString() }));
        context.output.result(true, { tokens: json }, (colors) =>
          tokens
            .map(({ slot: name, token, receivedAt }) => `${token}  ${colors.dim(`${name}, received ${receivedAt.toISOString()}`)}`)
            .join('\n'),
        );
        context.output.note('It is not shown again.');
        return exitCode.ok;
      });
    });

  handshake
    .command('status')
    .description('shows whether a token was kept and whether it was shown, but not the token')
    .addArgument(slotArgument())
    .action(async (chosen?: HandshakeSlot) => {
      await act(async (context) => {
        const found = await ofSlots(context, chosen, async (store, name) => ({ slot: name, status: await store.status(name) }));
        const json = found.map(({ slot: name, status }) => ({
          slot: name,
          status: status.kind,
          receivedAt: status.kind === 'none' ? null : status.receivedAt.toISOString(),
          shownAt: status.kind === 'shown' ? status.at.toISOString() : null,
        }));
        context.output.result(true, { slots: json }, (colors) =>
          json
            .map(({ slot: name, status, shownAt }) => `${name}: ${colors.bold(words[status])}${shownAt === null ? '' : ` (${shownAt})`}`)
            .join('\n'),
        );
        return exitCode.ok;
      });
    });

  handshake
    .command('reset')
    .description('forgets the token: the next handshake is kept, and webhooks signed with the old one are refused')
    .addArgument(slotArgument())
    .addOption(reasonFlag())
    .action(async (chosen: HandshakeSlot | undefined, options: ReasonOptions) => {
      await act(async (context) => {
        const reason = reasonOption(options);
        const reset = await ofSlots(
          context,
          chosen,
          async (store, name) => {
            const { kind } = await store.status(name);
            await store.reset(name);
            return { slot: name, forgotten: kind !== 'none' };
          },
          {
            recorded: (slotNames) => ({ action: 'handshake.reset', workspaceId: null, target: { slots: slotNames }, reason }),
            countsOf: (all) => ({ forgotten: all.filter(({ forgotten }) => forgotten).length }),
          },
        );
        context.output.result(true, { slots: reset }, () =>
          reset.map(({ slot: name, forgotten }) => `${name}: ${forgotten ? 'forgotten' : 'there was none'}`).join('\n'),
        );
        return exitCode.ok;
      });
    });
}

const words = { none: 'none kept', waiting: 'waits to be shown: mirror handshake show', shown: 'kept, and shown' } as const;

/** How a command that changes something is checked before, and recorded. */
interface Recording<T> {
  readonly before?: (store: HandshakeStore, slot: HandshakeSlot) => Promise<void>;
  readonly recorded: (slots: readonly HandshakeSlot[]) => ActionOrder;
  readonly countsOf: (answers: readonly T[]) => Readonly<Record<string, number>>;
}

async function ofSlots<T>(
  context: Parameters<typeof configured>[0],
  chosen: HandshakeSlot | undefined,
  ask: (store: HandshakeStore, slot: HandshakeSlot) => Promise<T>,
  recording: Recording<T> | null = null,
): Promise<T[]> {
  const configuredContext: ConfiguredContext = configured(context);
  return useMongo(configuredContext, async ({ db }) => {
    const store = createHandshakeStore({ db, encryptionKey: configuredContext.config.encryptionKey });
    const asked = chosen === undefined ? slots : [chosen];
    for (const slot of asked) await recording?.before?.(store, slot);
    const askAll = async (): Promise<T[]> => {
      const answers: T[] = [];
      for (const slot of asked) answers.push(await ask(store, slot));
      return answers;
    };
    if (recording === null) return askAll();
    return recordAction(configuredContext, db, recording.recorded(asked), async (notes) => {
      const answers = await askAll();
      notes.counts = recording.countsOf(answers);
      return answers;
    });
  });
}

/** Run before any token is marked as shown: one lost to an error after that would never be seen. */
async function assertReadable(store: HandshakeStore, slot: HandshakeSlot): Promise<void> {
  try {
    await store.get(slot);
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error;
    throw new OperatorError('token_unreadable', `the token of the slot ${slot} cannot be decrypted`, {
      remedy: 'set MIRROR_ENCRYPTION_KEY to the key that it was stored with, or mirror handshake reset and make the handshake again',
      cause: error,
    });
  }
}

function nothingToShow(taken: readonly { readonly kind: 'token' | 'shown' | 'none' }[]): OperatorError {
  if (taken.some(({ kind }) => kind === 'shown')) {
    const remedy = 'mirror handshake reset, then in Notion: Webhooks → Resend token';
    return new OperatorError('already_shown', 'the token was shown already, and is shown once only', { remedy });
  }
  const remedy = 'in Notion: Webhooks → Create a subscription (or Resend token), with the URL of the ingress or of Nango';
  return new OperatorError('no_handshake', 'no handshake has come yet', { remedy });
}
