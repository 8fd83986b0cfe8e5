import pc from 'picocolors';
import { expect, test } from 'vitest';
import { diagnose } from '@notion-mirror/operations/doctor/checks';
import { answered, healthy, healthyKafka, healthyMongo } from '../../packages/operations/test/doctor-facts.ts';
import { renderChecks } from './doctor-command.ts';

test('the human-readable report groups checks by area and counts them', () => {
  const [events, ...topics] = healthyKafka.topics;
  const [sync] = healthyKafka.groups;
  const kafka = answered('kafka:9092', { ...healthyKafka, topics: [{ ...events!, exists: false }, ...topics] });
  const mongodb = answered('mongodb://db/mirror', { ...healthyMongo, counts: { ...healthyMongo.counts, spooled: 1 } });
  const colors = pc.createColors(false);
  expect(renderChecks(diagnose(healthy), colors)).toMatch(/\n\nNo problem found\.$/);
  const text = renderChecks(diagnose({ ...healthy, kafka, mongodb }), colors);
  expect(text).toContain('kafka\n  ✓ kafka:9092 answers in 3 ms\n');
  expect(text).toContain('  ✗ topic notion.database-events does not exist\n      → mirror init\n');
  expect(text).toContain(`group ${sync!.groupId}: Stable, 2 members, 7 events behind`);
  expect(text).toMatch(/\n\n1 problem found\. 1 warning\.$/);
});
