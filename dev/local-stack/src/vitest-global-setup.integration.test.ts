import { expect, inject, test } from 'vitest';
import { kafkaIsReady, registryIsReady, replicaSetIsReady } from './ready-checks.ts';

test('an integration test gets a stack whose three servers answer', async () => {
  const stack = inject('stack');
  const mongodb = new URL(stack.mongodbUri);
  expect(mongodb.searchParams.get('replicaSet')).toBe('rs0');
  expect(await kafkaIsReady(stack.kafkaBrokers)).toBe(true);
  expect(await registryIsReady(stack.schemaRegistryUrl)).toBe(true);
  expect(await replicaSetIsReady(mongodb.hostname, Number(mongodb.port))).toBe(true);
});
