import type { Scenario } from './scenario.ts';
import { notionScenarios } from './scenarios/notion.ts';
import { poison } from './scenarios/poison.ts';
import { serverScenarios } from './scenarios/servers.ts';
import { serviceScenarios } from './scenarios/services.ts';
import { storm } from './scenarios/storm.ts';

/** In playing order. */
export const scenarios: readonly Scenario[] = [...serviceScenarios, ...serverScenarios, ...notionScenarios, poison, storm];

/** Those of `--quick`, by name: every part of the system fails once. */
export const quickScenarios: readonly string[] = [
  'services-killed',
  'rebalances',
  'brokers-restarted',
  'mongodb-primary-lost',
  'kafka-and-mongodb-away',
  'registry-away',
  'everything-restarted',
  'notion-broken-answers',
  'token-spell',
  'poison-records',
  'storm',
];
