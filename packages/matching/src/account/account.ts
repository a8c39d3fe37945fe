import type { AccountView } from "../actions.js";
import type { Refusal } from "../refusals.js";
import type { AccountFill, Commitment } from "./money.js";

/** Balances or a position. What open orders hold is a function of the orders, so it never has to be given back. */
export interface Account {
  readonly state: AccountState;
  /** Units of a futures account; below 0 is short. 0 on a spot account. */
  readonly position: number;
  /** Whether the account can pay for one more order, beside those that are open. */
  refuse(wanted: Commitment, open: readonly Commitment[], lastPrice: number | undefined): Refusal | undefined;
  fill(fill: AccountFill): void;
  view(open: readonly Commitment[]): AccountView;
  /** Signed amount to close if a trade at this price liquidates the account; 0: it does not. */
  toLiquidate(price: number): number;
}

/** As JSON: integers of any size are text. */
export type AccountState =
  | { readonly kind: "spot"; readonly base: string; readonly quote: string }
  | { readonly kind: "futures"; readonly wallet: string; readonly position: number; readonly cost: string };
