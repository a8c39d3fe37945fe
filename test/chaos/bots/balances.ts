import { cut, exact, shown, times } from "./exact.js";
import type { Start, Trading } from "./history.js";

/** Decimals of a fee's rate. */
const rateDecimals = 8;

/**
 * Where an account is not what it began with and its fills, to the last digit: added up here anew, the profit of a position at its average cost.
 *
 * @param decimals of a price and an amount together
 */
export function balancesOff({ epoch, account, fills }: Trading, start: Start, decimals: number): string[] {
  const off = (what: string, is: string, added: bigint) =>
    exact(is) === added ? [] : [`[TR84] epoch ${epoch}: ${what} is ${is}, and its fills add up to ${shown(added)}`];
  if (start.kind === "spot" && account.kind === "spot") {
    let [base, quote] = [exact(start.base), exact(start.quote)];
    for (const { side, price, amount, fee } of fills) {
      const sign = side === "buy" ? 1n : -1n;
      base += sign * exact(amount);
      quote -= sign * times(exact(price), exact(amount)) + exact(fee);
    }
    return [...off("the base balance", account.base, base), ...off("the quote balance", account.quote, quote)];
  }
  if (start.kind !== "futures" || account.kind !== "futures")
    return [`[TR84] epoch ${epoch}: a ${start.kind} account has become a ${account.kind} account`];
  let [wallet, position, cost] = [exact(start.wallet), 0n, 0n];
  const found: string[] = [];
  for (const { id, side, price, amount, fee, realized } of fills) {
    const change = side === "buy" ? exact(amount) : -exact(amount);
    const closing = change > 0n === position > 0n ? 0n : smaller(change, position);
    // A part of the position takes its part of the cost along, to the digit that prices, amounts and rates have together.
    const closedCost = position === 0n ? 0n : cut((cost * closing) / magnitude(position), decimals + rateDecimals);
    const signed = position > 0n ? closing : -closing;
    const profit = times(exact(price), signed) - closedCost;
    if (exact(realized ?? "0") !== profit)
      found.push(`[TR84] epoch ${epoch}: fill ${id} realised ${realized}, and not ${shown(profit)}`);
    wallet += profit - exact(fee);
    cost += times(exact(price), change + signed) - closedCost;
    position += change;
  }
  return [...found, ...off("the wallet", account.wallet, wallet), ...off("the position", account.position, position)];
}

const magnitude = (value: bigint) => (value < 0n ? -value : value);

/** The smaller magnitude. */
function smaller(...values: readonly [bigint, bigint]): bigint {
  const [least = 0n] = values.map(magnitude).toSorted((one, other) => Number(one - other));
  return least;
}
