import { expect, test } from 'vitest';
import { createMavenProgress } from './maven.ts';

test('adds up the downloads that Maven reports', () => {
  const progress = createMavenProgress();
  expect(progress('[INFO] Downloading from central: kafka-clients-4.2.0.jar')).toBeNull();
  expect(progress('[INFO] Downloaded from central: kafka-clients-4.2.0.jar (10 MB at 3.0 MB/s)')).toBe('1 files, 10.0 MB');
  expect(progress('[INFO] Downloaded from central: kafka-clients-4.2.0.pom (500 kB at 101 kB/s)')).toBe('2 files, 10.5 MB');
  expect(progress('[INFO] BUILD SUCCESS')).toBeNull();
});
