import type { System } from '@notion-mirror/demo/system';
import { webhookHeaders } from '@notion-mirror/emulators/nango/headers';

/** Posts a body as Nango does, signed, and resolves to the status of the answer. Rejects when there is none. */
export async function sendWebhook({ nango, webhookUrl }: Pick<System, 'nango' | 'webhookUrl'>, body: Buffer): Promise<number> {
  const headers = webhookHeaders(nango.environment.signingKey, body, {});
  const response = await fetch(webhookUrl('nango'), { method: 'POST', headers, body });
  await response.body?.cancel();
  return response.status;
}
