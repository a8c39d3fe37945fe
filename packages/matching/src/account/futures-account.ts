import type { AccountView } from "../actions.js";
import { larger } from "../larger.js";
import { type Refusal, refusal } from "../refusals.js";
import type { AccountSettings, MatchingSettings } from "../settings.js";
import type { Account, AccountState } from "./account.js";
import { type AccountFill, type Commitment, notional, perRate, quoteDecimals, scaled } from "./money.js";

/** One position on one wallet (one-way, cross margin). Profit is realised at average cost. */
export class FuturesAccount implements Account {
  readonly #decimals: number;
  readonly #leverage: number;
  readonly #maintenanceRate: bigint;
  #wallet: bigint;
  /** Units; below 0 is short. */
  #position: number;
  /** Of the position, with its sign. */
  #cost: bigint;
  #liquidationPrice: number | undefined;

  constructor(
    { instrument }: MatchingSettings,
    start: Extract<AccountSettings, { kind: "futures" }>,
    state?: Extract<AccountState, { kind: "futures" }>,
  ) {
    this.#decimals = quoteDecimals(instrument);
    this.#leverage = start.leverage;
    this.#maintenanceRate = BigInt(start.maintenanceRate);
    this.#wallet = state === undefined ? scaled(start.wallet, this.#decimals) : BigInt(state.wallet);
    this.#position = state?.position ?? 0;
    this.#cost = BigInt(state?.cost ?? 0);
    this.#liquidationPrice = this.#liquidatesAt();
  }

  get position(): number {
    return this.#position;
  }

  get state(): AccountState {
    return { kind: "futures", wallet: `${this.#wallet}`, position: this.#position, cost: `${this.#cost}` };
  }

  /** An order that needs no more margin than there is already use for is never refused: it can be what saves the position. */
  refuse(wanted: Commitment, open: readonly Commitment[], lastPrice: number | undefined): Refusal | undefined {
    const before = this.#exposure(open);
    const after = this.#exposure([...open, wanted]);
    const profit = lastPrice === undefined ? 0n : notional(lastPrice, this.#position) - this.#cost;
    if (after <= before || after <= (this.#wallet + profit) * BigInt(this.#leverage)) return undefined;
    return refusal(
      "INSUFFICIENT_MARGIN",
      `amount: position and open orders would exceed the account's equity times its leverage, ${this.#leverage}`,
    );
  }

  fill({ side, price, amount, fee }: AccountFill): void {
    const change = side === "buy" ? amount : -amount;
    this.#wallet -= fee;
    const closing = Math.sign(change) === -Math.sign(this.#position) ? Math.min(amount, Math.abs(this.#position)) : 0;
    if (closing > 0) {
      // What integer division leaves over stays in the cost, so cost and profit always add up.
      const closedCost = (this.#cost * BigInt(closing)) / BigInt(Math.abs(this.#position));
      const signed = Math.sign(this.#position) * closing;
      this.#wallet += notional(price, signed) - closedCost;
      this.#cost -= closedCost;
      this.#position -= signed;
    }
    const opening = Math.sign(change) * (amount - closing);
    this.#cost += notional(price, opening);
    this.#position += opening;
    this.#liquidationPrice = this.#liquidatesAt();
  }

  view(): AccountView {
    return {
      kind: "futures",
      quoteDecimals: this.#decimals,
      wallet: this.#wallet,
      position: this.#position,
      cost: this.#cost,
      leverage: this.#leverage,
      liquidationPrice: this.#liquidationPrice,
    };
  }

  toLiquidate(price: number): number {
    const at = this.#liquidationPrice;
    if (at === undefined || (this.#position > 0 ? price > at : price < at)) return 0;
    return this.#position;
  }

  /** The value of the larger of the two positions that open orders could make of this one. */
  #exposure(open: readonly Commitment[]): bigint {
    let longest = this.#cost;
    let shortest = this.#cost;
    for (const { side, value } of open) {
      if (side === "buy") longest += value;
      else shortest -= value;
    }
    return larger(longest, -shortest);
  }

  /** Where wallet and profit are no more than the maintenance rate of the position's value. */
  #liquidatesAt(): number | undefined {
    if (this.#position === 0) return undefined;
    // Without the position's own price: cost - wallet is what it must be worth, and a rate of its worth on top.
    const needed = this.#cost - this.#wallet;
    const perUnit = BigInt(this.#position) * perRate - BigInt(Math.abs(this.#position)) * this.#maintenanceRate;
    // Long: price <= needed / perUnit. Short, where both are below 0: price >= needed / perUnit.
    if (this.#position > 0) return needed < perUnit ? undefined : Number(needed / perUnit);
    return needed > 0n ? 0 : Number((needed + perUnit + 1n) / perUnit);
  }
}
