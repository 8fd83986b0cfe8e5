import { Command as Program, CommanderError } from 'commander';
import type { Act, Command, Surroundings } from './command-context.ts';
import { addAuditCommands } from './audit-commands.ts';
import { addConfigCommands } from './config-commands.ts';
import { addConnectionCommands } from './connection-commands.ts';
import { addConsoleCommands } from './console-commands.ts';
import { addDeadLetterCommands } from './dead-letter-commands.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { addEventCommands } from './event-commands.ts';
import { addExplainCommand } from './explain-command.ts';
import { explainError } from './explain-error.ts';
import { addHandshakeCommands } from './handshake-commands.ts';
import { addInitCommand } from './init-command.ts';
import { createOutput } from './output.ts';
import { addReconcileCommands } from './reconcile-commands.ts';
import { addReplayCommands } from './replay-commands.ts';
import { addRowsCommands } from './rows-commands.ts';
import { addSchemaCommands } from './schema-commands.ts';
import { addStatusCommand } from './status-command.ts';
import { addVerifyCommand } from './verify-command.ts';

/** Runs `mirror <args>` and returns the exit code. Never rejects. */
export async function runMirror(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { stdout, stderr, env, signal } = surroundings;
  const end = args.indexOf('--');
  const flags = new Set(end === -1 ? args : args.slice(0, end));
  const output = createOutput({ stdout, stderr, env, isJson: flags.has('--json') });
  const context = { ...surroundings, output, isVerbose: flags.has('--verbose') };
  let code: ExitCode = exitCode.ok;
  const program = buildProgram(async (command: Command) => {
    code = await command(context);
  });
  forEachCommand(program, (command) => {
    command.configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text) => output.error({ code: 'usage', message: text.trim().replace(/^error: /, ''), remedy: null }),
    });
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has already printed it through `outputError`; a request for help or the version is not an error.
    if (error instanceof CommanderError) {
      if (error.code === 'commander.help') output.error({ code: 'usage', message: 'name a command', remedy: null });
      return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    }
    if (signal.aborted) return exitCode.interrupted;
    const { exitCode: failure, ...report } = explainError(error);
    output.error(report);
    return failure;
  }
}

/** Builds the whole command line. `act` runs the chosen command. */
export function buildProgram(act: Act): Program {
  const program = new Program('mirror')
    .description('Sets up, inspects and repairs a notion-mirror. Configured by MIRROR_* variables: see `mirror config check`.')
    .option('--json', 'print one JSON object on stdout, for machines')
    .option('--verbose', "log the activity of the servers' clients on stderr")
    .helpCommand(false);
  addInitCommand(program, act);
  addConnectionCommands(program, act);
  addDoctorCommand(program, act);
  addStatusCommand(program, act);
  addEventCommands(program, act);
  addExplainCommand(program, act);
  addVerifyCommand(program, act);
  addDeadLetterCommands(program, act);
  addReplayCommands(program, act);
  addReconcileCommands(program, act);
  addRowsCommands(program, act);
  addSchemaCommands(program, act);
  addAuditCommands(program, act);
  addConfigCommands(program, act);
  addHandshakeCommands(program, act);
  addConsoleCommands(program, act);
  program.addHelpText('after', '\nExit codes: 0 ok, 1 failed or a problem was found, 2 usage, 78 bad configuration, 130 interrupted.');
  forEachCommand(program, (command) => command.exitOverride().configureHelp({ showGlobalOptions: true }).showHelpAfterError('See --help.'));
  return program;
}

/** The program and every command below it, parents first. */
export function forEachCommand(program: Program, visit: (command: Program) => void): void {
  visit(program);
  for (const command of program.commands) forEachCommand(command, visit);
}
