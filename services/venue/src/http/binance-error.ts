import { type Refusal, type RefusalCode, RefusedError } from "@tapedeck/protocol";

/** Codes of Binance's errors that the venue answers with, by the names that Binance gives them. */
export const errorCodes = {
  UNKNOWN: -1000,
  DISCONNECTED: -1001,
  UNAUTHORIZED: -1002,
  TOO_MANY_REQUESTS: -1003,
  INVALID_MESSAGE: -1013,
  TOO_MANY_ORDERS: -1015,
  INVALID_TIMESTAMP: -1021,
  INVALID_SIGNATURE: -1022,
  ILLEGAL_CHARS: -1100,
  TOO_MANY_PARAMETERS: -1101,
  MANDATORY_PARAM_EMPTY_OR_MALFORMED: -1102,
  PARAM_EMPTY: -1105,
  PARAM_NOT_REQUIRED: -1106,
  BAD_PRECISION: -1111,
  INVALID_TIF: -1115,
  INVALID_ORDER_TYPE: -1116,
  INVALID_SIDE: -1117,
  BAD_INTERVAL: -1120,
  BAD_SYMBOL: -1121,
  INVALID_LISTEN_KEY: -1125,
  OPTIONAL_PARAMS_BAD_COMBO: -1128,
  INVALID_PARAMETER: -1130,
  BAD_RECV_WINDOW: -1131,
  INVALID_JSON: -1135,
  OCO_ORDER_TYPE_REJECTED: -1158,
  NEW_ORDER_REJECTED: -2010,
  CANCEL_REJECTED: -2011,
  NO_SUCH_ORDER: -2013,
  BAD_API_KEY_FMT: -2014,
  REJECTED_MBX_KEY: -2015,
  /** Futures use it for paths that do not exist; the venue does for both markets. */
  INVALID_PATH: -5000,
} as const;

export type ErrorName = keyof typeof errorCodes;

/** A refusal in Binance's form: `{"code":-1121,"msg":"Invalid symbol."}` with an HTTP status. */
export class BinanceError extends Error {
  override readonly name = "BinanceError";
  readonly status: number;
  readonly code: number;
  /** Seconds after which a retry may succeed. */
  readonly retryAfter: number | undefined;
  /** What the answer says beside code and message. */
  readonly data: object | undefined;

  constructor(
    code: ErrorName | number,
    message: string,
    {
      status = 400,
      retryAfter,
      data,
      cause,
    }: { status?: number; retryAfter?: number | undefined; data?: object; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.code = typeof code === "number" ? code : errorCodes[code];
    this.status = status;
    this.retryAfter = retryAfter;
    this.data = data;
  }

  /** As HTTP answers and WebSocket answers have it. */
  get body(): { readonly code: number; readonly msg: string; readonly data?: object } {
    return { code: this.code, msg: this.message, ...(this.data !== undefined && { data: this.data }) };
  }
}

const namesOfRefusals: Partial<Record<RefusalCode, ErrorName>> = {
  MALFORMED: "ILLEGAL_CHARS",
  INVALID_VALUE: "INVALID_PARAMETER",
  UNAUTHORIZED: "REJECTED_MBX_KEY",
  FORBIDDEN: "REJECTED_MBX_KEY",
  TOO_MANY_REQUESTS: "TOO_MANY_REQUESTS",
  TOO_MANY_SOCKETS: "TOO_MANY_REQUESTS",
  UNAVAILABLE: "DISCONNECTED",
  BUSY: "DISCONNECTED",
};

/** What a client gets for a thrown value; an unexpected error reveals no details. */
export function binanceErrorOf(thrown: unknown): BinanceError {
  if (thrown instanceof BinanceError) return thrown;
  if (thrown instanceof RefusedError) {
    const { code, message, status, retryAfter } = thrown;
    return new BinanceError(namesOfRefusals[code] ?? "UNKNOWN", message, { status, retryAfter, cause: thrown });
  }
  return new BinanceError("DISCONNECTED", "Internal error; it has been logged.", { status: 500, cause: thrown });
}

/** What a node's guard refuses: a host, an origin, a page of another site. */
export function refusedByGuard(refusal: Refusal): BinanceError {
  const cause = new RefusedError(refusal);
  return new BinanceError("UNAUTHORIZED", refusal.message, { status: cause.status, cause });
}

export function missingParameter(name: string): BinanceError {
  const message = `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`;
  return new BinanceError("MANDATORY_PARAM_EMPTY_OR_MALFORMED", message);
}
