import { printable } from "@tapedeck/runtime";

/**
 * Prints lines on standard output. All that the command line says passes here or through `complain`, since names, messages and numbers
 * come from files, from Redis and from clusters elsewhere: nothing in them moves the cursor, hides text or begins another line.
 */
export function print(...lines: readonly string[]): void {
  console.log(lines.map(printable).join("\n"));
}

export function printJson(value: unknown, indent?: number): void {
  print(...JSON.stringify(value, undefined, indent).split("\n"));
}

/** Prints lines on standard error. */
export function printError(...lines: readonly string[]): void {
  console.error(lines.map(printable).join("\n"));
}
