import type { RefusalCode } from "@tapedeck/protocol";

/**
 * What went wrong, for programs. In capitals: a refusal by the cluster (docs/protocol.md lists them), which has changed
 * nothing. The others are the SDK's own:
 *
 * - `offline`: there is no connection now, so the command was not sent.
 * - `interrupted`: the connection broke before the answer came. The command may have been carried out.
 * - `unreachable`: no address answered.
 * - `closed`: this session, or the deck, was closed by its own program.
 * - `behind`: whoever reads `frames()` does not keep up.
 * - `no_websocket`: this platform has no WebSocket, and none was passed in.
 * - `bad_answer`: what answered is no Tapedeck.
 * - `bad_argument`: an argument cannot be read; nothing was sent.
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
  /** Seconds after which a repetition may succeed, where the cluster has said so. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: { retryAfter?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

/** @param rule reads on from the argument's name: "must be an address" */
export function badArgument(name: string, rule: string, cause?: unknown): TapedeckError {
  return new TapedeckError("bad_argument", `${name}: ${rule}.`, { cause });
}

/** Writes arguments for the wire. Programs without types may pass what cannot be written, such as a BigInt. */
export function serialize<T>(name: string, given: T, write: (given: T) => string = JSON.stringify): string {
  try {
    return write(given);
  } catch (cause) {
    throw badArgument(name, "cannot be sent", cause);
  }
}
