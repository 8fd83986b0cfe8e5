import type { Scenario } from './scenario.ts';
import { notionScenarios } from './scenarios/notion.ts';
import { poison } from './scenarios/poison.ts';
import { serverScenarios } from './scenarios/servers.ts';
import { serviceScenarios } from './scenarios/services.ts';
import { storm } from './scenarios/storm.ts';

/** In the order in which they are played. */
export const scenarios: readonly Scenario[] = [...serviceScenarios, ...serverScenarios, ...notionScenarios, poison, storm];
