import { createInterface } from "node:readline";
import { UserError } from "../user-error.js";
import { printError } from "./output.js";

/**
 * Asks a question on the terminal; anything but `y` or `yes` is no. Rejects with a UserError if there is no terminal to ask on, and with
 * the signal's reason once that aborts.
 *
 * @param unasked what is not done without an answer, for the error
 */
export async function confirm(question: string, unasked: string, signal?: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UserError(`${unasked}, since there is no terminal to ask on; add --yes.`);
  signal?.throwIfAborted();
  printError(`${question} [y/N]`);
  const terminal = createInterface({ input: process.stdin });
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      terminal.once("line", resolve);
      terminal.once("close", () => resolve("")); // Ctrl-D
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    terminal.close();
  }
}
