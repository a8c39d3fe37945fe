import { inspect } from "node:util";
import { TapedeckError } from "@tapedeck/client";
import { RefusedError } from "@tapedeck/protocol";
import { ConfigError, redactText } from "@tapedeck/runtime";
import { ImportRefused, TapeWriteError, writeFailureReason } from "@tapedeck/tape";
import { type Command, CommanderError } from "commander";
import { type EndSignal, onEndSignals } from "./terminal/end-signals.js";
import { printError } from "./terminal/output.js";
import { ProcessStartError, UserError } from "./user-error.js";

/** Exit codes. What a signal ends is 128 and the signal's number, as shells have it. */
const notDone = 1;
const senseless = 2;
const bySignal = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

/** Arguments that make no sense, where only the command itself can tell. */
export class UsageError extends UserError {}

/** The command was stopped by a signal. The message says what that means for its work; with nothing to say it is empty. */
class StoppedBySignal extends UserError {
  readonly signal: EndSignal;

  constructor(signal: EndSignal, message: string) {
    super(message);
    this.signal = signal;
  }
}

/**
 * Runs work that Ctrl-C, SIGTERM or SIGHUP stops: the first signal aborts it, the same one again a second later or more ends the process
 * at once.
 *
 * @param stopped what is said when it was stopped
 */
export async function stoppable<T>(stopped: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  let by: EndSignal | undefined;
  const stopListening = onEndSignals({
    end: (signal) => {
      by = signal;
      ending.abort();
    },
    force: (signal) => process.exit(bySignal[signal]),
  });
  try {
    const result = await work(ending.signal);
    if (by === undefined) return result;
  } catch (error) {
    if (by === undefined) throw error;
  } finally {
    stopListening();
  }
  throw new StoppedBySignal(by, stopped);
}

/** Runs the command line. What a person can mend ends with one sentence; a defect with its stack, which is wanted then. */
export async function run(program: Command): Promise<void> {
  endQuietlyWithReader();
  for (const command of withSubcommands(program)) {
    // Its messages quote arguments, which a script may have from anywhere.
    command
      .exitOverride()
      .configureOutput({ writeErr: (text) => printError(...redactText(text).trimEnd().split("\n")) });
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) report(error); // commander has told its own
    process.exit(exitCodeOf(error));
  }
}

let outputNeeded = true;

/** For a command whose work matters more than what it prints: a closed terminal, or a reader that has left, does not end it. */
export function ignoreOutputErrors(): void {
  outputNeeded = false;
}

/** `| head` closes its end when it has seen enough. */
function endQuietlyWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!outputNeeded) return;
      if (error.code === "EPIPE") process.exit(bySignal.SIGPIPE);
      report(new UserError(`The output cannot be written: ${writeFailureReason(error)}.`));
      process.exit(notDone);
    });
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

const mendable = [UserError, ConfigError, ImportRefused, TapeWriteError, RefusedError, TapedeckError];

function report(error: unknown): void {
  const lines = linesOf(error);
  if (lines.some((line) => line !== "")) printError(...lines.map(redactText));
}

/** A sentence is one line: a line break in it is part of a name. */
function linesOf(error: unknown): string[] {
  if (error instanceof ConfigError || error instanceof ProcessStartError) return error.message.split("\n");
  const known = error instanceof Error && mendable.some((kind) => error instanceof kind);
  return known ? [error.message] : inspect(error).split("\n");
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : senseless;
  if (error instanceof UsageError) return senseless;
  if (error instanceof StoppedBySignal) return bySignal[error.signal];
  return notDone;
}
