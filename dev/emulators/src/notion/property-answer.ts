import type { Json, JsonObject } from '../json.ts';
import type { DataSourceNode } from './model.ts';
import type { Property, RelationProperty, RollupProperty } from './properties.ts';
import type { World } from './world.ts';

/** A property in the API's response form; null for a relation to a data source the viewer does not see. */
export function renderProperty(
  world: World,
  dataSource: DataSourceNode,
  property: Property,
  canSee: (target: DataSourceNode) => boolean,
): JsonObject | null {
  const { id, name, description, type } = property;
  const config = propertyConfig(world, dataSource, property, canSee);
  return config === null ? null : { id, name, description, type, [type]: config };
}

function propertyConfig(world: World, dataSource: DataSourceNode, property: Property, canSee: (target: DataSourceNode) => boolean): Json {
  if (property.type === 'relation') return relationConfig(world, property, canSee);
  return property.type === 'rollup' ? rollupConfig(world, dataSource, property) : property.config;
}

function relationConfig(
  world: World,
  { dataSourceId, syncedPropertyId }: RelationProperty,
  canSee: (target: DataSourceNode) => boolean,
): Json {
  const target = world.dataSource(dataSourceId);
  if (target === undefined || !canSee(target)) return null;
  const ids = { database_id: target.parent.id, data_source_id: target.id };
  if (syncedPropertyId === null) return { ...ids, type: 'single_property', single_property: {} };
  const otherEnd = { synced_property_name: nameOf(target, syncedPropertyId), synced_property_id: syncedPropertyId };
  return { ...ids, type: 'dual_property', dual_property: otherEnd };
}

function rollupConfig(world: World, dataSource: DataSourceNode, property: RollupProperty): Json {
  const relation = dataSource.properties.find(({ id }) => id === property.relationPropertyId);
  const target = relation?.type === 'relation' ? world.dataSource(relation.dataSourceId) : undefined;
  return {
    function: property.function,
    relation_property_name: relation?.name ?? '',
    relation_property_id: property.relationPropertyId,
    rollup_property_name: target === undefined ? '' : nameOf(target, property.rollupPropertyId),
    rollup_property_id: property.rollupPropertyId,
  };
}

function nameOf(dataSource: DataSourceNode, propertyId: string): string {
  return dataSource.properties.find((property) => property.id === propertyId)?.name ?? '';
}
