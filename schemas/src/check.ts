import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { incompatibilities } from './compatibility.ts';
import { loadContract, schemasFolder, type Contract } from './contract.ts';
import { loadGoldenValues, unreadableGoldenValues } from './golden-values.ts';
import { changedReleasedFiles, loadReleasedFiles, saveReleasedFiles } from './released-files.ts';

/**
 * Checks the schemas before a commit, without a registry: released files are unchanged, every version reads every
 * other (FULL_TRANSITIVE), every golden value is still readable, nothing is unreleased. One sentence for each violation.
 */
export function checkSchemas(folder: string = schemasFolder): string[] {
  const released = loadReleasedFiles(folder);
  const violations = changedReleasedFiles(folder, released);
  try {
    for (const contract of contractsIn(folder)) {
      const goldenValues = loadGoldenValues(contract.name, folder);
      const without = contract.versions.filter(({ version }) => !goldenValues.some((golden) => golden.version === version));
      violations.push(
        ...incompatibilities(contract),
        ...unreadableGoldenValues(contract, goldenValues),
        ...without.map(({ file, version }) => `${file} has no golden value: write ${contract.name}/fixtures/v${version}-<what>.json`),
        ...filesOf(contract, folder)
          .filter((file) => !Object.hasOwn(released, file))
          .map((file) => `${file} is not released: run \`node schemas/src/check.ts --release\``),
      );
    }
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  }
  return violations;
}

/**
 * Releases new versions: encodes their golden values and records the digests of all files. Does nothing when that would release an
 * incompatible version or change a released one; returns the remaining violations.
 */
export function releaseSchemas(folder: string = schemasFolder): string[] {
  const changed = changedReleasedFiles(folder, loadReleasedFiles(folder));
  const contracts = contractsIn(folder);
  const broken = [...changed, ...contracts.flatMap(incompatibilities)];
  if (broken.length > 0) return broken;
  for (const contract of contracts) {
    for (const { version, file, value, bytes } of loadGoldenValues(contract.name, folder)) {
      const writer = contract.versions.find((candidate) => candidate.version === version);
      if (bytes === null && writer !== undefined) writeFileSync(`${folder}/${file}.avro`, writer.type.toBuffer(value));
    }
  }
  saveReleasedFiles(
    folder,
    contracts.flatMap((contract) => filesOf(contract, folder)),
  );
  return checkSchemas(folder);
}

function contractsIn(folder: string): Contract[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${folder}/${entry.name}/v1.avsc`))
    .map((entry) => loadContract(entry.name, folder));
}

function filesOf(contract: Contract, folder: string): string[] {
  const goldenFiles = loadGoldenValues(contract.name, folder).flatMap(({ file }) => [`${file}.json`, `${file}.avro`]);
  return [...contract.versions.map(({ file }) => file), ...goldenFiles];
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { release: { type: 'boolean', default: false } }, allowPositionals: true });
  const [folder = schemasFolder] = positionals;
  const violations = values.release ? releaseSchemas(folder) : checkSchemas(folder);
  for (const violation of violations) process.stderr.write(`schemas: ${violation}\n`);
  if (violations.length > 0) process.exitCode = 1;
  else process.stdout.write('schemas: released versions unchanged, all compatible in both directions\n');
}
