import type { System } from '@notion-mirror/demo/system';
import { webhookHeaders } from '@notion-mirror/emulators/nango/headers';

/** Posts a body signed as Nango does, and resolves to the response status. Rejects when there is no response. */
export async function sendWebhook({ nango, webhookUrl }: Pick<System, 'nango' | 'webhookUrl'>, body: Buffer): Promise<number> {
  const headers = webhookHeaders(nango.environment.signingKey, body, {});
  const response = await fetch(webhookUrl('nango'), { method: 'POST', headers, body });
  await response.body?.cancel();
  return response.status;
}
