import { expect, test } from 'vitest';
import { findJava, parseJavaVersion } from './toolchain.ts';

test.for([
  {
    output:
      'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)\nOpenJDK 64-Bit Server VM (build 17.0.15+6-Debian-1deb12u1, mixed mode)',
    version: { major: 17, build: '17.0.15+6-Debian-1deb12u1' },
  },
  {
    output:
      'openjdk version "21" 2023-09-19\nOpenJDK Runtime Environment Temurin-21+35 (build 21+35)\nOpenJDK 64-Bit Server VM Temurin-21+35 (build 21+35, mixed mode)',
    version: { major: 21, build: '21+35' },
  },
  {
    output: 'java version "1.8.0_292"\nJava(TM) SE Runtime Environment (build 1.8.0_292-b10)',
    version: { major: 8, build: '1.8.0_292-b10' },
  },
  { output: 'The operation couldn’t be completed. Unable to locate a Java Runtime.', version: null },
])('reads the version of $output', ({ output, version }) => {
  expect(parseJavaVersion(output)).toEqual(version);
});

test('a JAVA_HOME without a Java is a missing tool, not a crash', async () => {
  expect(await findJava({ JAVA_HOME: '/nowhere' })).toMatchObject({ name: 'Java 17 or newer', found: null });
});
