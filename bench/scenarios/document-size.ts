import { runBacklog } from '../backlog-run.ts';
import { databaseAnswer, dataSourceAnswer, newDatabaseId } from '../notion-answers.ts';
import type { Scenario } from '../scenario.ts';
import { measureAlone } from '../stub-system.ts';

/** Of a database: of so many Notion answers about 2 KB (it never answers less), 4, 16 and 64. */
const properties = [1, 32, 215, 970];

/** How the cost of an event grows with the size of what Notion answers. */
export const documentSize: Scenario = {
  name: 'document-size',
  title: 'A backlog of 2,000 events on 2,000 databases, by the size of what Notion answers',
  figures: [
    { name: 'CPU', unit: 'µs' },
    { name: 'documents', unit: '/s' },
  ],
  targets: [],
  plots: [{ kind: 'curve', figure: 'CPU', axis: 'KB of JSON a database' }],
  startsAnew: true,
  prepare: async (stack, quick) => ({
    contenders: (quick ? properties.slice(-1) : properties).map((count) => {
      const bytes =
        JSON.stringify(databaseAnswer(newDatabaseId())).length + JSON.stringify(dataSourceAnswer(newDatabaseId(), count)).length;
      const at = Math.round(bytes / 100) / 10;
      return {
        name: `${at} KB`,
        at,
        measure: () =>
          measureAlone(stack, 'document-size', { properties: count, quick }, (bench) =>
            runBacklog(bench, { documents: quick ? 200 : 2_000, workers: 1 }),
          ),
      };
    }),
    end: async () => {},
  }),
};
