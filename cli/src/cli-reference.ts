// Writes the help texts in docs/cli.md: `node cli/src/cli-reference.ts`. A test compares them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram, forEachCommand } from './program.ts';

export const referenceFile = join(import.meta.dirname, '../../docs/cli.md');

const width = 100;

/** The `--help` text of every command with an action, by its full name, e.g. `mirror connections add`. */
export function helpTexts(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const program = buildProgram(async () => {});
  forEachCommand(program, (command) => {
    if (command.commands.length > 0 && command !== program) return;
    const names: string[] = [];
    for (let at: typeof command | null = command; at !== null; at = at.parent) names.unshift(at.name());
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => width, getOutHasColors: () => false });
    command.outputHelp();
    texts.set(names.join(' '), text.trimEnd());
  });
  return texts;
}

/** The page with the block after each `<!-- help: mirror … -->` replaced by the current help. Throws on an unknown command. */
export function refreshReference(page: string): string {
  const texts = helpTexts();
  return page.replaceAll(/<!-- help: (.+?) -->\n(?:```text\n[\s\S]*?\n```\n)?/g, (_, name: string) => {
    const text = texts.get(name);
    if (text === undefined) throw new Error(`there is no command \`${name}\``);
    return `<!-- help: ${name} -->\n\`\`\`text\n${text}\n\`\`\`\n`;
  });
}

if (import.meta.main) writeFileSync(referenceFile, refreshReference(readFileSync(referenceFile, 'utf8')));
