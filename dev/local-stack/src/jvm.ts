/**
 * A class archive (AppCDS) holds a server's classes already parsed and verified, which halves the time and CPU of a start.
 * A first run records it (on SIGTERM) and later runs use it. The JVM ignores an archive that does not match.
 */
export type ClassArchive = { kind: 'use' | 'record'; file: string };

/** Flags for a small, quick-starting JVM that leaves no files outside `tempDir`. */
export function jvmFlags(options: { tempDir: string; archive: ClassArchive | null }): string[] {
  return ['-Xmx512m', '-XX:+UseSerialGC', '-XX:-UsePerfData', `-Djava.io.tmpdir=${options.tempDir}`, ...archiveFlags(options.archive)];
}

function archiveFlags(archive: ClassArchive | null): string[] {
  if (archive === null) return [];
  if (archive.kind === 'use') return [`-XX:SharedArchiveFile=${archive.file}`];
  // A short run, not worth C2's compilation.
  return [`-XX:ArchiveClassesAtExit=${archive.file}`, '-XX:TieredStopAtLevel=1'];
}
