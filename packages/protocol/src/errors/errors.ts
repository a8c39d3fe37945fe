import { z } from "zod";

/**
 * Every refusal that a client can receive, with its HTTP status. Codes are for programs and never change; messages are for people and
 * may be improved. `docs/protocol.md` lists the same codes, and a test compares the two.
 */
export const refusals = {
  MALFORMED: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  ORIGIN_NOT_ALLOWED: 403,
  SESSION_NOT_FOUND: 404,
  SHARE_NOT_FOUND: 404,
  TAPE_NOT_FOUND: 404,
  TRACK_NOT_FOUND: 404,
  VENUE_KEY_NOT_FOUND: 404,
  ORDER_NOT_FOUND: 404,
  BRANCH_NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_LIVE: 409,
  NOT_SIMULATION: 409,
  NOT_PLAYING: 409,
  NOT_FILLED: 409,
  TOO_MANY_ORDERS: 409,
  HAS_ORDERS: 409,
  ORDER_NOT_OPEN: 409,
  TOO_MANY_SHARES: 409,
  TOO_MANY_VENUE_KEYS: 409,
  NO_TAPE: 409,
  NO_EVENT: 409,
  TAPE_DAMAGED: 409,
  TAPE_IN_USE: 409,
  WHICH_SESSION: 409,
  SHARING_OFF: 409,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_BODY: 415,
  RANGE_NOT_SATISFIABLE: 416,
  HOST_NOT_ALLOWED: 421,
  INVALID_VALUE: 422,
  LOOP_TOO_SHORT: 422,
  TOO_MANY_SESSIONS: 429,
  TOO_MANY_INSTRUMENTS: 429,
  TOO_MANY_SOCKETS: 429,
  TOO_MANY_REQUESTS: 429,
  /** Only in logs and metrics: the client has disconnected before the answer. */
  CLIENT_GONE: 499,
  /** A bug or failure of the server; clients cannot cause it. */
  INTERNAL: 500,
  BUSY: 503,
  FILE_NOT_READY: 503,
  UNAVAILABLE: 503,
} as const;

export type RefusalCode = keyof typeof refusals;

/** The answer to a command or request that was understood but refused. It has changed nothing. */
export interface Refusal {
  readonly refused: RefusalCode;
  readonly message: string;
}

export function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message };
}

/** The answer for a session that does not exist, and for one that the caller may not access: ids cannot be probed. */
export function sessionNotFound(id: string): Refusal {
  return refuse("SESSION_NOT_FOUND", `Session ${id} does not exist, has expired, or is not yours.`);
}

export function isRefusal(value: object): value is Refusal {
  return "refused" in value;
}

/** A refusal as an exception, for functions that return their result rather than a union with `Refusal`. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly code: RefusalCode;
  readonly status: number;
  /** Seconds after which a retry may succeed; for 429 and 503. */
  readonly retryAfter: number | undefined;

  constructor(refusal: Refusal, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(refusal.message, { cause: options.cause });
    this.code = refusal.refused;
    this.status = refusals[refusal.refused];
    this.retryAfter = options.retryAfter ?? (this.status === 429 || this.status === 503 ? 1 : undefined);
  }
}

export const errorBody = z
  .object({
    status: z.literal("error"),
    code: z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]]),
    message: z.string(),
  })
  .meta({ id: "Error" });
export type ErrorBody = z.infer<typeof errorBody>;

export function errorBodyOf(refusal: Refusal): ErrorBody {
  return { status: "error", code: refusal.refused, message: refusal.message };
}
