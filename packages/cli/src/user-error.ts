/** Something the person at the terminal can mend: the message is one sentence that says what and how, and needs no stack. */
export class UserError extends Error {
  override readonly name = "Problem";
}

/** A process that did not start, in the last lines of its log. */
export class ProcessStartError extends UserError {}

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
