import { inspect } from "node:util";
import { TapedeckError } from "@tapedeck/client";
import { RefusedError } from "@tapedeck/protocol";
import { ConfigError, redactText } from "@tapedeck/runtime";
import { ImportRefused, TapeWriteError, writeFailureReason } from "@tapedeck/tape";
import { type Command, CommanderError } from "commander";
import { type EndSignal, onEndSignals } from "./terminal/end-signals.js";
import { printError } from "./terminal/output.js";
import { ProcessStartError, UsageError, UserError } from "./user-error.js";

/** Exit codes. For a command that a signal stops it is 128 plus the signal's number, as in shells. */
const failed = 1;
const usage = 2;
const bySignal = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

/** A signal stopped the command. The message says what that means for its work, and may be empty. */
class StoppedBySignal extends UserError {
  readonly signal: EndSignal;

  constructor(signal: EndSignal, message: string) {
    super(message);
    this.signal = signal;
  }
}

/**
 * Runs work that Ctrl-C, SIGTERM or SIGHUP stops: the first signal aborts it, the same signal again more than a second later ends the
 * process at once.
 *
 * @param stopped the message after it was stopped
 */
export async function stoppable<T>(stopped: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let by: EndSignal | undefined;
  const stopListening = onEndSignals({
    end: (signal) => {
      by = signal;
      controller.abort();
    },
    force: (signal) => process.exit(bySignal[signal]),
  });
  try {
    const result = await work(controller.signal);
    if (by === undefined) return result;
  } catch (error) {
    if (by === undefined) throw error;
  } finally {
    stopListening();
  }
  throw new StoppedBySignal(by, stopped);
}

/** Runs the command line. An error that the user can fix is reported in one sentence, a defect with its stack. */
export async function run(program: Command): Promise<void> {
  handleOutputErrors();
  for (const command of withSubcommands(program)) {
    // commander's messages quote arguments, which may come from anywhere.
    command
      .exitOverride()
      .configureOutput({ writeErr: (text) => printError(...redactText(text).trimEnd().split("\n")) });
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) report(error); // commander reports its own errors
    process.exit(exitCodeOf(error));
  }
}

let outputNeeded = true;

/** For a command whose work matters more than its output: a closed terminal, or a reader that has left, does not end it. */
export function ignoreOutputErrors(): void {
  outputNeeded = false;
}

/** The reader of a pipe may leave early: `| head` closes its end once it has enough lines. */
function handleOutputErrors(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!outputNeeded) return;
      if (error.code === "EPIPE") process.exit(bySignal.SIGPIPE);
      report(new UserError(`The output cannot be written: ${writeFailureReason(error)}.`));
      process.exit(failed);
    });
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

const fixable = [UserError, ConfigError, ImportRefused, TapeWriteError, RefusedError, TapedeckError];

function report(error: unknown): void {
  const lines = linesOf(error);
  if (lines.some((line) => line !== "")) printError(...lines.map(redactText));
}

/** A sentence is one line: a line break in it belongs to a name. */
function linesOf(error: unknown): string[] {
  if (error instanceof ConfigError || error instanceof ProcessStartError) return error.message.split("\n");
  const known = error instanceof Error && fixable.some((kind) => error instanceof kind);
  return known ? [error.message] : inspect(error).split("\n");
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usage;
  if (error instanceof UsageError) return usage;
  if (error instanceof StoppedBySignal) return bySignal[error.signal];
  return failed;
}
