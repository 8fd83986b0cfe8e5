/**
 * A class archive (AppCDS) holds the classes of a server already parsed and verified: it halves the time and CPU a start takes.
 * It is recorded by a first run (written when that ends by SIGTERM) and used by later ones; one that does not fit is ignored by the JVM.
 */
export type ClassArchive = { kind: 'use' | 'record'; file: string };

/** Flags for a small, quickly started JVM that leaves no files outside `tempDir`. */
export function jvmFlags(options: { tempDir: string; archive: ClassArchive | null }): string[] {
  return ['-Xmx512m', '-XX:+UseSerialGC', '-XX:-UsePerfData', `-Djava.io.tmpdir=${options.tempDir}`, ...archiveFlags(options.archive)];
}

function archiveFlags(archive: ClassArchive | null): string[] {
  if (archive === null) return [];
  if (archive.kind === 'use') return [`-XX:SharedArchiveFile=${archive.file}`];
  // A short life: the thorough compiler would only be in the way.
  return [`-XX:ArchiveClassesAtExit=${archive.file}`, '-XX:TieredStopAtLevel=1'];
}
