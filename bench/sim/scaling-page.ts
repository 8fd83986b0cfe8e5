const block = /<!-- table: (?<name>[\w-]+) -->\n[^]*?<!-- \/table -->/g;

/** The page with each `<!-- table: name -->` … `<!-- /table -->` filled. Throws when the page asks for a table that is not there, or leaves one out. */
export function withTables(page: string, tables: ReadonlyMap<string, string>): string {
  const left = new Set(tables.keys());
  const filled = page.replaceAll(block, (_, name: string) => {
    const table = tables.get(name);
    if (table === undefined) throw new Error(`there is no table "${name}"`);
    left.delete(name);
    return `<!-- table: ${name} -->\n\n${table}\n\n<!-- /table -->`;
  });
  if (left.size > 0) throw new Error(`the page leaves out ${[...left].join(', ')}`);
  return filled;
}
