/**
 * The filter for a tenant's records. `_id` begins with the tenant, and sharded collections are sharded by it (`docs/scaling.md`): so a command with this filter
 * goes to the shards that have the tenant's records, instead of to all.
 */
export function ofTenant(workspaceId: string): {
  readonly workspaceId: string;
  readonly _id: { readonly $gte: string; readonly $lt: string };
} {
  // The character after the colon. A tenant from before `mirror` refused colons can be in the range of another one, hence both fields.
  return { workspaceId, _id: { $gte: `${workspaceId}:`, $lt: `${workspaceId};` } };
}
