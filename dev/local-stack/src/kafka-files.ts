import { join } from 'node:path';
import { runCommand, type CommandOptions } from './command.ts';
import { fetchJars } from './maven.ts';
import type { CachedTool } from './tool-cache.ts';

const version = '4.2.0';

// The broker's own jars (its tools would pull in Jetty and Jersey), and a logger that writes to stderr.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>notion-mirror</groupId><artifactId>local-kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

export const kafkaTool: CachedTool = { name: 'kafka', version, recipe: pom };

/** Fetches the broker's jars (43 MB) into `draft` and checks that it runs and has the expected version. */
export async function fetchKafka(draft: string, javaCommand: string, options: CommandOptions): Promise<void> {
  await fetchJars(draft, pom, options);
  const output = await runCommand(javaCommand, ['-cp', kafkaClassPath(draft), 'kafka.Kafka', '--version'], { signal: options.signal });
  if (!output.includes(version)) throw new Error(`The Kafka fetched as ${version} reports another version: ${output}`);
}

export function kafkaClassPath(folder: string): string {
  return join(folder, 'lib', '*');
}
