import { z } from 'zod';
import type { CallCounters } from '../http/call-counters.ts';
import type { ControlRoute } from '../http/control-api.ts';
import { controlRoute } from '../http/control-api.ts';
import type { FaultKit } from '../http/faults.ts';
import { faultSchema } from '../http/faults.ts';
import type { NangoControl } from './control.ts';
import type { NangoEnvironment } from './environment.ts';
import type { NangoSettings } from './settings.ts';

const id = z.string().min(1);
const nothing = z.looseObject({});
const byConnection = z.strictObject({ connectionId: id });

/** The control API of the Nango emulator: one route per function. */
export function nangoControlRoutes({
  control,
  environment,
  settings,
  faults,
  calls,
}: {
  control: NangoControl;
  environment: NangoEnvironment;
  settings: NangoSettings;
  faults: FaultKit;
  calls: CallCounters;
}): ControlRoute[] {
  return [
    controlRoute('GET', '/health', nothing, () => ({ status: 'ok' })),
    controlRoute('GET', '/environment', nothing, () => ({
      uuid: environment.uuid,
      name: environment.name,
      apiKey: environment.apiKey,
      signingKey: environment.signingKey,
      integrations: [...environment.integrations.values()],
    })),

    controlRoute('GET', '/connections', nothing, () => control.connections()),
    controlRoute(
      'POST',
      '/connections',
      z.strictObject({
        connectionId: id.optional(),
        providerConfigKey: id.optional(),
        accessToken: id,
        refreshToken: id.optional(),
        workspaceId: id.nullable(),
        workspaceName: z.string().optional(),
        botId: id.optional(),
        ownerId: id.optional(),
        tags: z.record(z.string(), z.string()).optional(),
        webhookUrlOverride: z.url().optional(),
      }),
      (input) => control.createConnection(input),
    ),
    controlRoute('POST', '/connections/reauthorize', z.strictObject({ connectionId: id, accessToken: id }), (input) =>
      control.reauthorize(input),
    ),
    controlRoute(
      'POST',
      '/connections/fail-authorization',
      z.strictObject({ connectionId: id, providerConfigKey: id.optional() }),
      (input) => control.failAuthorization(input),
    ),
    controlRoute('POST', '/connections/fail-refresh', z.strictObject({ connectionId: id, exhausted: z.boolean().optional() }), (input) =>
      control.failRefresh(input),
    ),
    controlRoute('POST', '/connections/token-after-refresh', z.strictObject({ connectionId: id, accessToken: id }), (input) =>
      control.setTokenAfterRefresh(input),
    ),
    controlRoute('POST', '/connections/delete', byConnection, (input) => control.deleteConnection(input)),

    controlRoute(
      'POST',
      '/integrations',
      z.strictObject({ providerConfigKey: id, provider: id.optional(), forwardWebhooks: z.boolean().optional() }),
      (input) => control.createIntegration(input),
    ),
    controlRoute('POST', '/webhook-secret', z.strictObject({ webhookSecret: id.nullable(), providerConfigKey: id.optional() }), (input) =>
      control.setWebhookSecret(input),
    ),
    controlRoute('POST', '/rotate-signing-key', z.strictObject({ signingKey: id.optional() }), (input) => control.rotateSigningKey(input)),
    controlRoute('POST', '/rotate-api-key', z.strictObject({ apiKey: id.optional() }), (input) => control.rotateApiKey(input)),

    controlRoute(
      'GET',
      '/deliveries',
      z.strictObject({ state: z.enum(['pending', 'delivered', 'lost']).optional(), connectionId: id.optional() }),
      (input) => control.deliveries(input),
    ),
    controlRoute('GET', '/breaker', z.strictObject({ url: z.url() }), (input) => ({ state: control.breakerState(input) })),
    controlRoute('DELETE', '/breaker', nothing, () => control.resetBreaker()),
    controlRoute('POST', '/settle', z.strictObject({ timeoutMs: z.number().min(0).optional() }), (input) => control.settle(input)),

    controlRoute('GET', '/settings', nothing, () => settings.current()),
    controlRoute('POST', '/settings', nothing, (input) => settings.change(input)),
    controlRoute('GET', '/faults', nothing, () => faults.list()),
    controlRoute('POST', '/faults', faultSchema, (input) => faults.inject(input)),
    controlRoute('DELETE', '/faults', z.strictObject({ id: id.optional() }), (input) => faults.clear(input.id)),
    controlRoute('GET', '/calls', z.strictObject({ token: id.optional() }), (input) => calls.counts(input)),
    controlRoute('GET', '/calls/recent', nothing, () => calls.recent()),
    controlRoute('DELETE', '/calls', nothing, () => calls.reset()),
  ];
}
