import type { SessionFill } from "@tapedeck/protocol";
import { useState } from "react";
import { useStore } from "zustand";
import { Button, scrollable } from "../../design/controls";
import { clockText, dateText, none, priceText, signed } from "../../design/format";
import { saveFile } from "../../export/save-file";
import { usePageState, usePlayback } from "../../playback-context";
import { AccountSummary } from "../account/account-summary";
import { EquityChart } from "../account/equity-chart";
import { fillsCsv } from "../account/trade-list";
import { Branches, type ShownBranch } from "./branches";
import styles from "./trading-report.module.css";

/** Account, equity, all fills, and what rewinds left, which can be looked at in place of the present. */
export function TradingReport() {
  const { trading, decimals } = usePlayback();
  const id = usePageState(({ session }) => session?.session_id);
  const fills = useStore(trading.store, (state) => state.fills);
  const [branch, setBranch] = useState<ShownBranch>();
  const shown = branch?.fills ?? fills;
  const save = () => {
    const name = branch === undefined ? "" : `-branch-${branch.id}`;
    saveFile(new Blob([fillsCsv(shown)], { type: "text/csv" }), `tapedeck-fills-${id ?? ""}${name}.csv`);
  };
  return (
    <div className={styles.report}>
      <AccountSummary />
      <EquityChart />
      <Branches shown={branch} onShow={setBranch} />
      {shown.length === 0 ? (
        <p className={styles.none}>No fills {branch === undefined ? "up to the playhead" : "in this branch"}.</p>
      ) : (
        <section className={styles.scroll} {...scrollable} aria-label="Fills, newest first">
          <FillTable fills={shown} decimals={decimals} />
        </section>
      )}
      <div className={styles.foot}>
        <span>A rewind undoes the orders and fills after the place that it leads to.</span>
        <Button variant="outlined" disabled={shown.length === 0} onClick={save}>
          Save fills as CSV
        </Button>
      </div>
    </div>
  );
}

/** The document has this many rows at most; all are in the file. */
const maxRows = 500;

function FillTable({ fills, decimals }: { readonly fills: readonly SessionFill[]; readonly decimals: number }) {
  return (
    <table className={styles.fills}>
      <thead>
        <tr>
          {["Time (UTC)", "Side", "Amount", "Price", "Fee", "Liquidity", "P&L", "Position"].map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {fills
          .slice(-maxRows)
          .reverse()
          .map((fill) => (
            <FillRow key={fill.fill_id} fill={fill} decimals={decimals} />
          ))}
      </tbody>
    </table>
  );
}

function FillRow({ fill, decimals }: { readonly fill: SessionFill; readonly decimals: number }) {
  const { side, amount, price, fee, liquidity, realized_pnl, position, timestamp } = fill;
  const ms = Date.parse(timestamp);
  const profit = Number(realized_pnl ?? 0);
  return (
    <tr>
      <td title={`${dateText(ms)} ${clockText(ms)}`}>{clockText(ms, 0)}</td>
      <td data-side={side}>{side === "buy" ? "Bought" : "Sold"}</td>
      <td>{amount}</td>
      <td>{priceText(Number(price), decimals)}</td>
      <td>{priceText(Number(fee), 4)}</td>
      <td>{liquidity}</td>
      <td data-sign={Math.sign(profit)}>{profit === 0 ? none : signed(profit, 2)}</td>
      <td>{position.replace("-", "−")}</td>
    </tr>
  );
}
