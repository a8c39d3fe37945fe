import type { Access } from "@tapedeck/access";
import { type RefusalCode, RefusedError } from "@tapedeck/protocol";
import { BinanceError, binanceErrorOf } from "./binance-error.js";

/** Who was refused, and what. */
interface Refused {
  /** Method and route, or the name of a method: never a client's own text. */
  readonly action: string;
  readonly address: string;
  readonly session?: string | undefined;
  readonly requestId?: string | number | undefined;
}

/** Writes a line of the audit trail if access was denied: by a status of 401 or 403. */
export function auditRefusal({ audit }: Pick<Access, "audit">, refused: Refused, thrown: unknown): void {
  const error = binanceErrorOf(thrown);
  if (isDenied(error))
    audit({ event: "refusal", ...refused, principal: undefined, result: codeOf(error), reason: error.message });
}

export function isDenied({ status }: Pick<BinanceError, "status">): boolean {
  return status === 401 || status === 403;
}

/** The cluster's code for a refusal of the venue. */
export function codeOf(error: unknown): RefusalCode {
  if (error instanceof RefusedError) return error.code;
  if (!(error instanceof BinanceError)) return "INTERNAL";
  if (error.cause instanceof RefusedError) return error.cause.code;
  if (error.status === 401) return "UNAUTHORIZED";
  return error.status === 429 ? "TOO_MANY_REQUESTS" : error.status < 500 ? "INVALID_VALUE" : "INTERNAL";
}

/** What a client calls its request, if it says so. */
export function requestIdOf(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const id = headers["x-request-id"];
  return typeof id === "string" ? id : undefined;
}
