import { errorBodyOf, type RefusalCode, refusals } from "@tapedeck/protocol";
import { dataHeaders, type GuardRefusal } from "@tapedeck/runtime";
import type { Answer } from "./listener.js";

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { ...dataHeaders, "Content-Type": "application/json", "Access-Control-Allow-Origin": "*", ...headers },
    body: JSON.stringify(body),
  };
}

/** For a page that may not ask: it may not read why either. */
export function refusalByGuard({ refused, status, message }: GuardRefusal): Answer {
  return {
    status,
    headers: { ...dataHeaders, "Content-Type": "application/json" },
    body: JSON.stringify(errorBodyOf({ refused, message })),
  };
}

export function refusal(code: RefusalCode, message: string): Answer {
  const status = refusals[code];
  return json(status, errorBodyOf({ refused: code, message }), status === 503 ? { "Retry-After": "1" } : {});
}
