import { ControlError, found } from '../http/control-api.ts';
import type { JsonObject } from '../json.ts';
import type { Actions } from './actions.ts';
import { parseId } from './ids.ts';
import type { DataSourceNode, PageNode, Person } from './model.ts';
import { optionsOf } from './property-options.ts';
import type { Property } from './properties.ts';
import type { Renderer } from './render.ts';
import { readCells } from './row-cells.ts';
import type { RowVersions } from './row-versions.ts';
import type { TrueRow } from './truth.ts';
import { rowTruthOf } from './truth.ts';
import type { World } from './world.ts';

/** Cells by property name or id, as in a request to the REST API. */
type CellsInput = Readonly<Record<string, unknown>>;

/** What people do with many rows at once in Notion's interface, and inspection for tests. Single rows are edited through the REST API. */
export interface RowControl {
  /**
   * Imports rows, in this order. Every row is announced like one created by hand, unless `announce` is false. Throws at the first row with an
   * invalid cell; the rows before it stay.
   */
  createRows(input: {
    dataSourceId: string;
    /** `createdTime` as ISO 8601. Default: now. */
    rows: readonly { readonly properties?: CellsInput | undefined; readonly createdTime?: string | undefined }[];
    announce?: boolean | undefined;
  }): { readonly ids: readonly string[] };
  /** Edits the same cells of rows of one data source. One event for each row. */
  editRows(input: { ids: readonly string[]; properties: CellsInput }): void;
  /** Moves rows to the archived partition, or back. Notion sends no event, and `last_edited_time` stays. */
  archiveRows(input: { ids: readonly string[]; archived: boolean }): void;
  /** A page under the data source that no query lists. Announced like a row. */
  createTemplate(input: { dataSourceId: string; properties?: CellsInput | undefined }): { readonly id: string };
  /** Renames an option of a select, multi-select or status in every row. Only the changed schema is announced. */
  renameOption(input: { dataSourceId: string; property: string; from: string; to: string }): void;
  /** Every live row, archived or not, that this bot sees in a data source it sees; without a bot, that the workspace's owner sees. */
  rowTruth(input: { workspaceId: string; botId?: string | undefined; dataSourceId?: string | undefined }): TrueRow[];
  /**
   * The versions of a page, counted from 0, in which the API has answered exactly `page` (by itself or in a query), or for null, in which it was
   * no row: in the trash, deleted for good, or outside of data sources. In ascending order. Known since the setting `rows.keepVersions` is on.
   */
  rowVersions(input: { id: string; page: JsonObject | null }): readonly number[];
}

export function createRowControl({
  world,
  actions,
  render,
  versions,
  ownerOf,
}: {
  world: World;
  actions: Actions;
  render: Renderer;
  versions: RowVersions;
  ownerOf: (workspaceId: string) => Person;
}): RowControl {
  const sourceOf = (id: string): DataSourceNode => found(world.dataSource(parseId(id) ?? id), 'data source', id);
  const rowOf = (id: string): PageNode => found(world.page(parseId(id) ?? id), 'page', id);
  const create = (
    source: DataSourceNode,
    properties: CellsInput,
    more: { isTemplate?: boolean; createdTime?: number; announce?: boolean },
  ) => {
    const owner = ownerOf(source.workspaceId);
    const cells = readCells(actions, owner, source, properties);
    return actions.createPage(owner, { parent: { type: 'data_source', id: source.id }, ...cells, ...more });
  };

  return {
    createRows: ({ dataSourceId, rows, announce = true }) => {
      const source = sourceOf(dataSourceId);
      return {
        ids: rows.map(({ properties = {}, createdTime }) => {
          const born = createdTime === undefined ? {} : { createdTime: instant(createdTime) };
          return create(source, properties, { announce, ...born }).id;
        }),
      };
    },
    editRows: ({ ids, properties }) => {
      const rows = ids.map(rowOf);
      for (const row of rows) {
        const owner = ownerOf(row.workspaceId);
        const source = row.parent.type === 'data_source' ? world.dataSource(row.parent.id) : undefined;
        actions.editPage(owner, row, readCells(actions, owner, source, properties));
      }
    },
    archiveRows: ({ ids, archived }) => {
      for (const row of ids.map(rowOf)) actions.setArchived(row, archived);
    },
    createTemplate: ({ dataSourceId, properties = {} }) => ({ id: create(sourceOf(dataSourceId), properties, { isTemplate: true }).id }),
    renameOption: ({ dataSourceId, property: wanted, from, to }) => {
      const source = sourceOf(dataSourceId);
      const property = found(
        source.properties.find(({ id, name }) => id === wanted || name === wanted),
        'property',
        wanted,
      );
      const options = optionsOf(property).map(({ id, name }) => (name === from ? { id, name: to } : { id }));
      if (!isSelect(property) || !options.some((option) => 'name' in option)) throw new ControlError(404, `There is no option ${from}.`);
      const request = { kind: 'plain' as const, type: property.type, config: {}, options };
      actions.editDataSource(ownerOf(source.workspaceId), source, { properties: [[property.id, request]] });
    },
    rowTruth: ({ workspaceId, botId, dataSourceId }) => {
      const viewer = botId === undefined ? ownerOf(workspaceId) : found(world.bots.get(botId), 'bot', botId);
      const source = dataSourceId === undefined ? null : sourceOf(dataSourceId);
      return rowTruthOf(world, render, viewer).filter((row) => source === null || row.dataSourceId === source.id);
    },
    rowVersions: ({ id, page }) => (page === null ? versions.absent(id) : versions.showing(id, page)),
  };
}

function isSelect(property: Property): property is Property & { type: 'select' | 'multi_select' | 'status'; config: JsonObject } {
  return property.type === 'select' || property.type === 'multi_select' || property.type === 'status';
}

function instant(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new ControlError(400, `${text} is not a time.`);
  return at;
}
