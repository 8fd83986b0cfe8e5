import { z } from 'zod';
import type { CallCounters } from '../http/call-counters.ts';
import type { ControlRoute } from '../http/control-api.ts';
import { controlRoute } from '../http/control-api.ts';
import type { FaultKit } from '../http/faults.ts';
import { faultSchema } from '../http/faults.ts';
import type { NotionControl } from './control.ts';
import type { Bot } from './model.ts';
import type { NotionSettings } from './settings.ts';
import { apiVersions } from './webhook-payload.ts';

const id = z.string();
const name = z.string().optional();
const parent = z.union([
  z.strictObject({ type: z.literal('workspace') }),
  z.strictObject({ type: z.enum(['teamspace', 'page', 'block', 'database', 'data_source']), id }),
]);
const nothing = z.looseObject({});
const byId = z.strictObject({ id });
const inWorkspace = z.strictObject({ workspaceId: id, title: name, parent: parent.optional() });
const cells = z.record(z.string(), z.json());
const rowsInput = z.strictObject({
  dataSourceId: id,
  rows: z.array(z.strictObject({ properties: cells.optional(), createdTime: z.iso.datetime().optional() })),
  announce: z.boolean().optional(),
});
const flag = z.boolean().optional();
const state = z.enum(['pending', 'delivered', 'failed', 'dropped']).optional();

/** The control API of the Notion emulator: one route per function. */
export function notionControlRoutes({
  control,
  settings,
  faults,
  calls,
  reset,
  seed,
}: {
  control: NotionControl;
  settings: NotionSettings;
  faults: FaultKit;
  calls: CallCounters;
  reset: () => void;
  seed: string;
}): ControlRoute[] {
  return [
    controlRoute('GET', '/health', nothing, () => ({ status: 'ok', seed })),
    controlRoute('POST', '/reset', nothing, () => reset()),

    controlRoute('POST', '/workspaces', z.strictObject({ name, ownerName: name }), (input) => control.createWorkspace(input)),
    controlRoute('POST', '/persons', z.strictObject({ workspaceId: id, name: z.string() }), (input) => control.createPerson(input)),
    controlRoute('POST', '/integrations', z.strictObject({ name, type: z.enum(['public', 'internal']).optional() }), (input) =>
      control.createIntegration(input),
    ),
    controlRoute(
      'POST',
      '/bots',
      z.strictObject({
        workspaceId: id,
        integrationId: id,
        ownerId: id.optional(),
        token: id.optional(),
        capabilities: z.strictObject({ read: flag, insert: flag, update: flag }).optional(),
      }),
      (input) => botAnswer(control.installBot(input)),
    ),
    controlRoute('POST', '/bots/renew-token', z.strictObject({ botId: id, token: id.optional() }), (input) =>
      botAnswer(control.renewToken(input)),
    ),
    controlRoute('POST', '/bots/remove', z.strictObject({ botId: id }), (input) => control.removeBot(input)),

    controlRoute('POST', '/teamspaces', z.strictObject({ workspaceId: id, name }), (input) => control.createTeamspace(input)),
    controlRoute('POST', '/pages', inWorkspace, (input) => control.createPage(input)),
    controlRoute('POST', '/blocks', z.strictObject({ parent: z.strictObject({ type: z.enum(['page', 'block']), id }) }), (input) =>
      control.createBlock(input),
    ),
    controlRoute('POST', '/wikis', inWorkspace, (input) => control.createWiki(input)),
    controlRoute('POST', '/databases', inWorkspace.extend({ parent }), (input) => control.createDatabase(input)),
    controlRoute(
      'POST',
      '/linked-databases',
      inWorkspace.extend({ parent, answers: z.enum(['object_not_found', 'validation_error']).optional() }),
      (input) => control.createLinkedDatabase(input),
    ),
    controlRoute('POST', '/rows', rowsInput, (input) => control.createRows(input)),
    controlRoute('POST', '/rows/edit', z.strictObject({ ids: z.array(id), properties: cells }), (input) => control.editRows(input)),
    controlRoute('POST', '/rows/archive', z.strictObject({ ids: z.array(id), archived: z.boolean() }), (input) =>
      control.archiveRows(input),
    ),
    controlRoute('POST', '/templates', z.strictObject({ dataSourceId: id, properties: cells.optional() }), (input) =>
      control.createTemplate(input),
    ),
    controlRoute('POST', '/options/rename', z.strictObject({ dataSourceId: id, property: id, from: id, to: id }), (input) =>
      control.renameOption(input),
    ),
    controlRoute('POST', '/share', z.strictObject({ botId: id, id }), (input) => control.share(input)),
    controlRoute('POST', '/unshare', z.strictObject({ botId: id, id }), (input) => control.unshare(input)),
    controlRoute('POST', '/move', z.strictObject({ id, parent }), (input) => control.move(input)),
    controlRoute('POST', '/delete-permanently', byId, (input) => control.deletePermanently(input)),
    controlRoute('GET', '/tree', z.strictObject({ workspace: id }), ({ workspace }) => control.tree({ workspaceId: workspace })),
    controlRoute('GET', '/truth', z.strictObject({ workspace: id, bot: id.optional() }), ({ workspace, bot }) => ({
      databases: control.truth({ workspaceId: workspace, botId: bot }),
    })),

    controlRoute(
      'GET',
      '/row-truth',
      z.strictObject({ workspace: id, bot: id.optional(), dataSource: id.optional() }),
      ({ workspace, bot, dataSource }) => ({ rows: control.rowTruth({ workspaceId: workspace, botId: bot, dataSourceId: dataSource }) }),
    ),

    controlRoute('POST', '/row-versions', z.strictObject({ id, page: z.record(z.string(), z.json()).nullable() }), (input) => ({
      versions: control.rowVersions(input),
    })),

    controlRoute('GET', '/subscriptions', nothing, () => control.subscriptions()),
    controlRoute(
      'POST',
      '/subscriptions',
      z.strictObject({
        integrationId: id,
        url: z.url(),
        apiVersion: z.enum(apiVersions).optional(),
        eventTypes: z.array(z.string()).optional(),
        verificationToken: z.string().min(1).optional(),
        verify: flag,
      }),
      (input) => control.subscribe(input),
    ),
    controlRoute('POST', '/subscriptions/resend', byId, (input) => control.resendVerification(input)),
    controlRoute('POST', '/subscriptions/verify', z.strictObject({ id, verificationToken: z.string() }), (input) =>
      control.verifySubscription(input),
    ),
    controlRoute('POST', '/subscriptions/pause', byId, (input) => control.pauseSubscription(input)),
    controlRoute('POST', '/subscriptions/resume', byId, (input) => control.resumeSubscription(input)),
    controlRoute('POST', '/subscriptions/remove', byId, (input) => control.unsubscribe(input)),
    controlRoute('GET', '/deliveries', z.strictObject({ state, entityId: id.optional(), type: name }), (input) =>
      control.deliveries(input),
    ),
    controlRoute('POST', '/settle', z.strictObject({ timeoutMs: z.number().min(0).optional() }), (input) => control.settle(input)),

    controlRoute('GET', '/settings', nothing, () => settings.current()),
    controlRoute('POST', '/settings', z.looseObject({}), (input) => settings.change(input)),
    controlRoute('GET', '/faults', nothing, () => faults.list()),
    controlRoute('POST', '/faults', faultSchema, (input) => faults.inject(input)),
    controlRoute('DELETE', '/faults', z.strictObject({ id: id.optional() }), (input) => faults.clear(input.id)),
    controlRoute('GET', '/calls', z.strictObject({ token: id.optional() }), (input) => calls.counts(input)),
    controlRoute('GET', '/calls/recent', nothing, () => calls.recent()),
    controlRoute('DELETE', '/calls', nothing, () => calls.reset()),
  ];
}

function botAnswer({ id: botId, token, workspaceId, integrationId, ownerId, capabilities }: Bot) {
  return { id: botId, token, workspaceId, integrationId, ownerId, capabilities };
}
