import { once } from "node:events";
import type { WriteStream } from "node:tty";
import { printable } from "@tapedeck/runtime";

/*
 * All output of the command line passes through this file. Names, messages and numbers come from files, from Redis and from other clusters:
 * nothing in them may move the cursor, hide text or start a new line.
 */

export function print(...lines: readonly string[]): void {
  console.log(lines.map(printable).join("\n"));
}

export function printJson(value: unknown, indent?: number): void {
  print(...JSON.stringify(value, undefined, indent).split("\n"));
}

/** Writes the bytes of a file to standard output, as they are. Resolves once it has room for more. */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}

/** Prints lines on standard error. */
export function printError(...lines: readonly string[]): void {
  console.error(lines.map(printable).join("\n"));
}

/** The shortest time between two states of the line, so that they can be read. */
const statusEveryMs = 100;

/** A line of the terminal that shows progress. If the output is not a terminal, it prints nothing. */
export class StatusLine {
  readonly #terminal: WriteStream;
  #shownAt = 0;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  show(text: () => string): void {
    if (!this.#terminal.isTTY || performance.now() - this.#shownAt < statusEveryMs) return;
    this.#shownAt = performance.now();
    this.#terminal.write(`\r\x1b[K${printable(text())}`);
  }

  clear(): void {
    if (this.#terminal.isTTY) this.#terminal.write("\r\x1b[K");
  }
}
