import type { TestProject } from 'vitest/node';
import { createProgressPrinter } from './progress.ts';
import { startStack, type StackAddresses } from './stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    stack: StackAddresses;
  }
}

/**
 * Provides the integration tests with servers: those described by MIRROR_TEST_STACK (JSON with the three addresses), otherwise a new
 * stack that is stopped at the end. A test gets them with `inject('stack')`.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const running = process.env['MIRROR_TEST_STACK'];
  if (running) {
    project.provide('stack', parseAddresses(running));
    return undefined;
  }
  const printer = createProgressPrinter(process.stderr);
  const stack = await startStack({
    onProgress: printer.onProgress,
    onServerExit: (server, detail) => console.error(`${server} ended unexpectedly during the tests (${detail}).`),
  });
  const { kafkaBrokers, schemaRegistryUrl, mongodbUri } = stack;
  project.provide('stack', { kafkaBrokers, schemaRegistryUrl, mongodbUri });
  return () => stack.stop();
}

function parseAddresses(json: string): StackAddresses {
  const { kafkaBrokers, schemaRegistryUrl, mongodbUri }: Partial<StackAddresses> = JSON.parse(json);
  if (!kafkaBrokers || !schemaRegistryUrl || !mongodbUri) {
    throw new Error('MIRROR_TEST_STACK must be JSON with kafkaBrokers, schemaRegistryUrl and mongodbUri.');
  }
  return { kafkaBrokers, schemaRegistryUrl, mongodbUri };
}
