/** Why an action was refused. It changed nothing. */
export type RefusalCode =
  | "MISSING_FIELD"
  | "FIELD_NOT_ALLOWED"
  | "INVALID_AMOUNT"
  | "INVALID_PRICE"
  | "MIN_NOTIONAL"
  | "DUPLICATE_ID"
  | "UNKNOWN_ORDER"
  | "NOT_RESTING"
  | "TOO_MANY_ORDERS"
  | "WOULD_TRIGGER"
  | "WOULD_TAKE"
  | "NOT_REDUCING"
  | "PAST_EXPIRY"
  | "INVALID_LIST"
  | "INSUFFICIENT_BALANCE"
  | "INSUFFICIENT_MARGIN";

/** The message names the field and the rule. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
}

export function refusal(code: RefusalCode, message: string): Refusal {
  return { code, message };
}
