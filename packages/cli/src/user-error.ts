/** An error that the user can fix: the message is one sentence that says what is wrong and what to do, shown without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** A process did not start. The message is the end of its log. */
export class ProcessStartError extends UserError {}

/** Arguments are invalid in a way that only the command itself can detect. */
export class UsageError extends UserError {}

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
