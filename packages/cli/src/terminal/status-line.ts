import type { WriteStream } from "node:tty";
import { printable } from "@tapedeck/runtime";

/** How often the line changes: no faster than it can be read. */
const betweenMs = 100;

/** One line of a terminal that says how far something has come. Where there is no terminal it says nothing. */
export class StatusLine {
  readonly #terminal: WriteStream;
  #shownMs = 0;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  show(text: () => string): void {
    if (!this.#terminal.isTTY || performance.now() - this.#shownMs < betweenMs) return;
    this.#shownMs = performance.now();
    this.#terminal.write(`\r\x1b[K${printable(text())}`);
  }

  clear(): void {
    if (this.#terminal.isTTY) this.#terminal.write("\r\x1b[K");
  }
}
