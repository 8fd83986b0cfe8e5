import type { TestProject } from 'vitest/node';
import { createProgressPrinter } from './progress.ts';
import { startStack, type StackAddresses } from './stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    stack: StackAddresses;
  }
}

/**
 * Gives the integration tests their servers: the ones that MIRROR_TEST_STACK describes (JSON with the three addresses), else a stack
 * of their own that is stopped at the end. A test asks for them with `inject('stack')`.
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
    onServerExit: (server, detail) => console.error(`${server} ended by itself in the middle of the tests (${detail}).`),
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
