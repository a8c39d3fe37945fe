import { RefusedError } from "@tapedeck/protocol";

/** After which what could not be read is asked for again. */
export const awayMs = 1_000;

/** The tape store or Redis cannot be read at the moment: what is read from it may be waited for. */
export function isPassing(error: unknown): error is RefusedError {
  return error instanceof RefusedError && error.code === "UNAVAILABLE";
}
