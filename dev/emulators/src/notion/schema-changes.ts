import { objectNotFound, validationError } from './errors.ts';
import type { DataSourceNode } from './model.ts';
import { parseId } from './ids.ts';
import type { Property, RelationProperty } from './properties.ts';
import { newPropertyId } from './properties.ts';
import { storedConfig } from './property-options.ts';
import type { PropertyRequest, RollupRequest } from './property-request.ts';
import { plainTextOf } from './rich-text.ts';
import type { World } from './world.ts';

/** One entry of `updated_properties` of a schema event. */
export interface UpdatedProperty {
  readonly id: string;
  readonly name: string | null;
  readonly action: 'created' | 'updated' | 'deleted';
}

/** The effects of a schema change, on its data source and on others whose API response it alters. */
export type SchemaEffects = Map<DataSourceNode, UpdatedProperty[]>;

interface Change {
  readonly world: World;
  readonly canSee: (target: DataSourceNode) => boolean;
  readonly integrationName: string | null;
  readonly effects: SchemaEffects;
}

/** Applies `properties` of a request: add, change, rename, or remove (null), by name or id. Throws a NotionError before it changes anything. */
export function changeSchema(
  world: World,
  dataSource: DataSourceNode,
  requests: readonly (readonly [key: string, request: PropertyRequest | null])[],
  { canSee, integrationName }: { canSee: (target: DataSourceNode) => boolean; integrationName: string | null },
): SchemaEffects {
  const change: Change = { world, canSee, integrationName, effects: new Map() };
  const before = structuredClone(dataSource.properties);
  checkRequests(change, dataSource, requests);
  // Rollups last, since they may use a relation of the same request.
  for (const [key, request] of requests.toSorted(([, a], [, b]) => order(a) - order(b))) apply(change, dataSource, key, request);
  noteDependents(change, dataSource, before);
  return change.effects;
}

/** Removes the properties that point to a permanently deleted data source. */
export function forgetDataSource(world: World, gone: DataSourceNode): SchemaEffects {
  const change: Change = { world, canSee: () => true, integrationName: null, effects: new Map() };
  for (const other of otherDataSources(world, gone)) {
    for (const property of other.properties.filter((each) => each.type === 'relation' && each.dataSourceId === gone.id))
      remove(change, other, property);
  }
  return change.effects;
}

/** The relations to a data source. Their configuration names the source's database. */
export function relationsTo(world: World, dataSource: DataSourceNode): SchemaEffects {
  const effects: SchemaEffects = new Map();
  for (const other of otherDataSources(world, dataSource)) {
    for (const property of other.properties) {
      if (property.type === 'relation' && property.dataSourceId === dataSource.id) note(effects, other, property, 'updated');
    }
  }
  return effects;
}

function order(request: PropertyRequest | null): number {
  if (request === null) return 0;
  return request.kind === 'rollup' ? 2 : 1;
}

function checkRequests(change: Change, dataSource: DataSourceNode, requests: readonly (readonly [string, PropertyRequest | null])[]): void {
  const names = new Map(dataSource.properties.map((property) => [property.id, property.name]));
  for (const [key, request] of requests) {
    const existing = find(dataSource, key);
    if (
      existing?.type === 'title' &&
      (request === null || (request.kind !== 'same_type' && !(request.kind === 'plain' && request.type === 'title')))
    ) {
      throw validationError('Cannot delete or change the type of the title property.');
    }
    if (existing === undefined) {
      if (request === null || request.kind === 'same_type') throw validationError(`Could not find property with name or id: ${key}.`);
      if (request.kind === 'plain' && request.type === 'title') throw validationError('Cannot create new title property.');
    }
    if (request === null) names.delete(existing?.id ?? key);
    else names.set(existing?.id ?? `new ${key}`, request.name ?? existing?.name ?? key);
    if (request?.kind === 'relation') target(change, request.relation.data_source_id);
    if (request?.kind === 'rollup') checkRollup(change, dataSource, request.rollup, requests);
  }
  if (new Set(names.values()).size !== names.size) throw validationError('Two properties cannot have the same name.');
}

function checkRollup(
  change: Change,
  dataSource: DataSourceNode,
  { relation_property_id, relation_property_name, rollup_property_id, rollup_property_name }: RollupRequest,
  requests: readonly (readonly [string, PropertyRequest | null])[],
): void {
  const requested = requests.find(([key, request]) => (request?.name ?? key) === relation_property_name)?.[1];
  const existing = findBy(dataSource, relation_property_id, relation_property_name);
  let related: DataSourceNode | undefined;
  if (requested?.kind === 'relation') related = target(change, requested.relation.data_source_id);
  else if (existing?.type === 'relation') related = change.world.dataSource(existing.dataSourceId);
  if (related === undefined) throw validationError('A rollup needs a relation property of the same data source.');
  if (findBy(related, rollup_property_id, rollup_property_name) === undefined)
    throw validationError('A rollup needs a property of the related data source.');
}

function apply(change: Change, dataSource: DataSourceNode, key: string, request: PropertyRequest | null): void {
  const existing = find(dataSource, key);
  if (request === null) {
    if (existing !== undefined) remove(change, dataSource, existing);
    return;
  }
  if (existing !== undefined && request.kind === 'same_type') {
    existing.name = request.name ?? existing.name;
    if (request.description !== undefined) existing.description = request.description;
    return note(change.effects, dataSource, existing, 'updated');
  }
  if (existing?.type === 'relation') removeOtherEnd(change, dataSource, existing);
  const id = existing?.id ?? newPropertyId(dataSource.properties, change.world.ids);
  const name = request.name ?? existing?.name ?? key;
  const description = request.description === undefined ? (existing?.description ?? null) : request.description;
  const property = build(change, dataSource, { id, name, description }, request, existing ?? null);
  if (existing === undefined) dataSource.properties.push(property);
  else dataSource.properties[dataSource.properties.indexOf(existing)] = property;
  note(change.effects, dataSource, property, existing === undefined ? 'created' : 'updated');
}

function build(
  change: Change,
  dataSource: DataSourceNode,
  base: { id: string; name: string; description: string | null },
  request: PropertyRequest,
  before: Property | null,
): Property {
  switch (request.kind) {
    case 'plain':
      return { ...base, type: request.type, config: storedConfig(request, before, change.world.ids) };
    case 'relation':
      return buildRelation(change, dataSource, base, request);
    case 'rollup': {
      const { rollup } = request;
      const relation = findBy(dataSource, rollup.relation_property_id, rollup.relation_property_name);
      if (relation?.type !== 'relation') throw validationError('A rollup needs a relation property of the same data source.');
      const related = change.world.dataSource(relation.dataSourceId);
      const rolledUp = related === undefined ? undefined : findBy(related, rollup.rollup_property_id, rollup.rollup_property_name);
      if (rolledUp === undefined) throw validationError('A rollup needs a property of the related data source.');
      return { ...base, type: 'rollup', function: rollup.function, relationPropertyId: relation.id, rollupPropertyId: rolledUp.id };
    }
    case 'same_type':
      throw validationError(`The property ${base.name} has no type.`);
  }
}

function buildRelation(
  change: Change,
  dataSource: DataSourceNode,
  base: { id: string; name: string; description: string | null },
  { relation }: PropertyRequest & { kind: 'relation' },
): RelationProperty {
  const related = target(change, relation.data_source_id);
  const isDual = relation.type === 'dual_property' || relation.dual_property !== undefined;
  const oneWay: RelationProperty = { ...base, type: 'relation', dataSourceId: related.id, syncedPropertyId: null };
  if (!isDual || related === dataSource) return oneWay;
  const wanted = relation.dual_property?.synced_property_name ?? `Related to ${plainTextOf(dataSource.title)} (${base.name})`;
  const otherEnd: RelationProperty = {
    id: newPropertyId(related.properties, change.world.ids),
    name: unusedName(related, wanted),
    description: null,
    type: 'relation',
    dataSourceId: dataSource.id,
    syncedPropertyId: base.id,
  };
  related.properties.push(otherEnd);
  note(change.effects, related, otherEnd, 'created');
  return { ...oneWay, syncedPropertyId: otherEnd.id };
}

function remove(change: Change, dataSource: DataSourceNode, property: Property): void {
  dataSource.properties = dataSource.properties.filter((each) => each !== property);
  note(change.effects, dataSource, property, 'deleted');
  if (property.type === 'relation') {
    removeOtherEnd(change, dataSource, property);
    for (const rollup of dataSource.properties.filter((each) => each.type === 'rollup' && each.relationPropertyId === property.id)) {
      remove(change, dataSource, rollup);
    }
  }
  for (const [other, rollup] of rollupsOf(change.world, dataSource, property.id)) remove(change, other, rollup);
}

function removeOtherEnd(change: Change, dataSource: DataSourceNode, { dataSourceId, syncedPropertyId }: RelationProperty): void {
  const other = change.world.dataSource(dataSourceId);
  const otherEnd = other?.properties.find(({ id }) => id === syncedPropertyId);
  if (other !== undefined && otherEnd?.type === 'relation' && otherEnd.dataSourceId === dataSource.id) remove(change, other, otherEnd);
}

/** Records data sources whose responses contain a changed name: at the other end of a relation, and in rollups. */
function noteDependents(change: Change, dataSource: DataSourceNode, before: readonly Property[]): void {
  for (const property of dataSource.properties) {
    const was = before.find(({ id }) => id === property.id);
    if (was === undefined || was.name === property.name) continue;
    for (const [other, rollup] of rollupsOf(change.world, dataSource, property.id)) note(change.effects, other, rollup, 'updated');
    if (property.type !== 'relation') continue;
    const other = change.world.dataSource(property.dataSourceId);
    const otherEnd = other?.properties.find(({ id }) => id === property.syncedPropertyId);
    if (other !== undefined && otherEnd !== undefined) note(change.effects, other, otherEnd, 'updated');
  }
}

function rollupsOf(world: World, dataSource: DataSourceNode, propertyId: string): (readonly [DataSourceNode, Property])[] {
  const found: (readonly [DataSourceNode, Property])[] = [];
  for (const other of otherDataSources(world, dataSource)) {
    for (const property of other.properties) {
      if (property.type !== 'rollup' || property.rollupPropertyId !== propertyId) continue;
      const relation = other.properties.find(({ id }) => id === property.relationPropertyId);
      if (relation?.type === 'relation' && relation.dataSourceId === dataSource.id) found.push([other, property]);
    }
  }
  return found;
}

function* otherDataSources(world: World, dataSource: DataSourceNode): Iterable<DataSourceNode> {
  for (const node of world.nodes()) {
    if (node.kind === 'data_source' && node !== dataSource && node.workspaceId === dataSource.workspaceId) yield node;
  }
}

function target({ world, canSee, integrationName }: Change, dataSourceId: string): DataSourceNode {
  const found = world.dataSource(parseId(dataSourceId) ?? '');
  if (found === undefined || !canSee(found)) throw objectNotFound('data_source', dataSourceId, integrationName);
  return found;
}

function find(dataSource: DataSourceNode, key: string): Property | undefined {
  return findBy(dataSource, key, key);
}

function findBy({ properties }: DataSourceNode, id: string | undefined, name: string | undefined): Property | undefined {
  return (
    properties.find((property) => property.id === id || decodeURIComponent(property.id) === id) ??
    properties.find((property) => property.name === name)
  );
}

function unusedName({ properties }: DataSourceNode, wanted: string): string {
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? wanted : `${wanted} ${number}`;
    if (!properties.some((property) => property.name === name)) return name;
  }
}

function note(effects: SchemaEffects, dataSource: DataSourceNode, { id, name }: Property, action: UpdatedProperty['action']): void {
  const noted = effects.get(dataSource) ?? [];
  const wasCreated = noted.some((each) => each.id === id && each.action === 'created');
  effects.set(dataSource, [
    ...noted.filter((each) => each.id !== id),
    { id, name, action: wasCreated && action === 'updated' ? 'created' : action },
  ]);
}
