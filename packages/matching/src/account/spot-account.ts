import type { AccountView } from "../actions.js";
import { type Refusal, refusal } from "../refusals.js";
import type { AccountSettings, MatchingSettings } from "../settings.js";
import type { Account, AccountState } from "./account.js";
import { type AccountFill, type Commitment, feeOf, notional, quoteDecimals, scaled } from "./money.js";

/** Balances of a base and a quote currency. Fees are paid in the quote currency. */
export class SpotAccount implements Account {
  readonly #decimals: number;
  /** What a buyer may have to pay on top, per order. */
  readonly #feeRate: number;
  readonly position = 0;
  #base: bigint;
  #quote: bigint;

  constructor(
    { instrument, fees }: MatchingSettings,
    start: Extract<AccountSettings, { kind: "spot" }>,
    state?: Extract<AccountState, { kind: "spot" }>,
  ) {
    this.#decimals = quoteDecimals(instrument);
    this.#feeRate = Math.max(0, fees.maker, fees.taker);
    this.#base = state === undefined ? scaled(start.base, instrument.amountDecimals) : BigInt(state.base);
    this.#quote = state === undefined ? scaled(start.quote, this.#decimals) : BigInt(state.quote);
  }

  get state(): AccountState {
    return { kind: "spot", base: `${this.#base}`, quote: `${this.#quote}` };
  }

  refuse(wanted: Commitment, open: readonly Commitment[]): Refusal | undefined {
    const { base, quote } = this.#locked([...open, wanted]);
    if (wanted.side === "sell" && base > this.#base)
      return refusal("INSUFFICIENT_BALANCE", "amount: open sell orders and this one exceed the base balance");
    if (wanted.side === "buy" && quote > this.#quote)
      return refusal(
        "INSUFFICIENT_BALANCE",
        "amount: open buy orders and this one, with fees, exceed the quote balance",
      );
    return undefined;
  }

  fill({ side, price, amount, fee }: AccountFill): void {
    const value = notional(price, amount);
    const sign = side === "buy" ? 1n : -1n;
    this.#base += sign * BigInt(amount);
    this.#quote -= sign * value + fee;
  }

  view(open: readonly Commitment[]): AccountView {
    const { base: lockedBase, quote: lockedQuote } = this.#locked(open);
    return {
      kind: "spot",
      quoteDecimals: this.#decimals,
      base: this.#base,
      quote: this.#quote,
      lockedBase,
      lockedQuote,
    };
  }

  toLiquidate(): number {
    return 0;
  }

  #locked(open: readonly Commitment[]): { readonly base: bigint; readonly quote: bigint } {
    let base = 0n;
    let quote = 0n;
    for (const { side, amount, value } of open) {
      if (side === "sell") base += BigInt(amount);
      else quote += value + feeOf(value, this.#feeRate);
    }
    return { base, quote };
  }
}
