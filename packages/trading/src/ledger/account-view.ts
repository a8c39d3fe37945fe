import type { AccountView } from "@tapedeck/matching";
import type { SessionAccount } from "@tapedeck/protocol";
import type { TrackDecimals } from "@tapedeck/tape";
import { fixed, trimmed } from "../decimals.js";

/** Decimals of an entry price beyond those of prices. */
const entryDecimals = 8;

/** An account as clients see it, valued at the market's last trade. Pure. */
export function accountView(
  account: AccountView,
  lastPrice: number | undefined,
  { price, size }: TrackDecimals,
): SessionAccount {
  const { quoteDecimals } = account;
  const money = (units: bigint) => trimmed(units, quoteDecimals);
  // Money has more decimals than price times amount: see `quoteDecimals` of packages/matching.
  const worth = (amount: bigint) =>
    lastPrice === undefined ? undefined : BigInt(lastPrice) * amount * 10n ** BigInt(quoteDecimals - price - size);
  const orNull = (units: bigint | undefined) => (units === undefined ? null : money(units));
  const last = lastPrice === undefined ? null : fixed(lastPrice, price);
  if (account.kind === "spot") {
    const { base, quote, lockedBase, lockedQuote } = account;
    const held = worth(base);
    return {
      kind: "spot",
      base: fixed(base, size),
      quote: money(quote),
      locked_base: fixed(lockedBase, size),
      locked_quote: money(lockedQuote),
      last_price: last,
      equity: orNull(held === undefined ? undefined : quote + held),
    };
  }
  const { wallet, position, cost, leverage, liquidationPrice } = account;
  const value = worth(BigInt(position));
  const profit = position === 0 ? 0n : value === undefined ? undefined : value - cost;
  const unsigned = value === undefined ? undefined : value < 0n ? -value : value;
  const perUnit = 10n ** BigInt(quoteDecimals - price - size);
  const entry = position === 0 ? null : (cost * 10n ** BigInt(entryDecimals)) / BigInt(position) / perUnit;
  return {
    kind: "futures",
    wallet: money(wallet),
    position: fixed(position, size),
    entry_price: entry === null ? null : trimmed(entry, price + entryDecimals),
    leverage,
    unrealized_pnl: orNull(profit),
    margin: position === 0 ? "0" : orNull(unsigned === undefined ? undefined : unsigned / BigInt(leverage)),
    liquidation_price: liquidationPrice === undefined ? null : fixed(liquidationPrice, price),
    last_price: last,
    equity: orNull(profit === undefined ? undefined : wallet + profit),
  };
}
