import type { SessionAccount } from "@tapedeck/protocol";
import { useStore } from "zustand";
import { none, priceText, signed } from "../../design/format";
import { useFrameSample, usePlayback } from "../../playback-context";
import styles from "./account.module.css";
import { holdingsOf, profitAt, startOf, worthAt } from "./equity-curve";

type Figure = readonly [name: string, text: string, sign?: number];

/** Balances or position, worth and profit, at the mid price of the newest frame. */
export function AccountSummary() {
  const playback = usePlayback();
  const account = useStore(playback.trading.store, (state) => state.account);
  const settings = useStore(playback.trading.store, (state) => state.settings);
  const mid = useFrameSample(({ newest }) => newest?.frame.mid_price);
  if (!account || !settings) return null;
  const holdings = holdingsOf(account);
  const profit = mid === undefined ? undefined : profitAt(holdings, startOf(settings), mid);
  const figures: readonly Figure[] = [
    ...(account.kind === "spot" ? balances(account) : position(account, mid, playback.decimals)),
    ["Equity", mid === undefined ? none : priceText(worthAt(holdings, mid), 2)],
    ["P&L", profit === undefined ? none : signed(profit, 2), Math.sign(profit ?? 0)],
  ];
  return (
    <dl className={styles.figures} aria-label="Account" data-testid="account">
      {figures.map(([name, text, sign]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd data-sign={sign}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function balances({ base, quote, locked_base, locked_quote }: Extract<SessionAccount, { kind: "spot" }>): Figure[] {
  return [
    ["Base", base],
    ["Quote", priceText(Number(quote), 2)],
    ...(Number(locked_base) > 0 ? [["Base in orders", locked_base] as const] : []),
    ...(Number(locked_quote) > 0 ? [["Quote in orders", priceText(Number(locked_quote), 2)] as const] : []),
  ];
}

function position(
  { position: text, entry_price, margin, liquidation_price }: Extract<SessionAccount, { kind: "futures" }>,
  mid: number | undefined,
  decimals: number,
): Figure[] {
  const size = Number(text);
  const open = mid === undefined || entry_price === null ? 0 : size * (mid - Number(entry_price));
  const price = (value: string | null) => (value === null ? none : priceText(Number(value), decimals));
  return [
    ["Position", size > 0 ? `+${text}` : text.replace("-", "−")],
    ["Entry", price(entry_price)],
    ["Open P&L", signed(open, 2), Math.sign(open)],
    ["Margin", margin === null ? none : priceText(Number(margin), 2)],
    ["Liquidation", price(liquidation_price)],
  ];
}
