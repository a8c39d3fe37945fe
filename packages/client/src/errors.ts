import type { RefusalCode } from "@tapedeck/protocol";

/**
 * What went wrong, for programs. Codes in capitals are refusals by the cluster (docs/protocol.md lists them); a refusal changes
 * nothing. The others are the SDK's own:
 *
 * - `offline`: there is no connection, so the command was not sent.
 * - `interrupted`: the connection broke before the answer arrived. The command, or the order, may have been carried out.
 * - `unreachable`: no address answered.
 * - `closed`: this program closed the session or the client.
 * - `behind`: the reader of `frames()` is too slow.
 * - `no_websocket`: the platform has no WebSocket, and none was passed in.
 * - `bad_answer`: the answer did not come from a Tapedeck cluster.
 * - `bad_argument`: an argument is invalid; nothing was sent.
 */
export type ErrorCode =
  | RefusalCode
  | "offline"
  | "interrupted"
  | "unreachable"
  | "closed"
  | "behind"
  | "no_websocket"
  | "bad_answer"
  | "bad_argument";

export class TapedeckError extends Error {
  override readonly name = "TapedeckError";
  readonly code: ErrorCode;
  /** Seconds to wait before trying again, where the cluster sent them. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: { retryAfter?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

/** @param rule continues a sentence that starts with the argument's name: "must be an address" */
export function badArgument(name: string, rule: string, cause?: unknown): TapedeckError {
  return new TapedeckError("bad_argument", `${name}: ${rule}.`, { cause });
}

/** Serialises arguments for the wire. Untyped programs may pass values that cannot be serialised, such as a BigInt. */
export function serialize<T>(name: string, given: T, write: (given: T) => string = JSON.stringify): string {
  try {
    return write(given);
  } catch (cause) {
    throw badArgument(name, "cannot be sent", cause);
  }
}
