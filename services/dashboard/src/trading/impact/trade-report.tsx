import type { ReportedOrder, TradeReport } from "@tapedeck/protocol";
import { useCallback } from "react";
import { loadReport } from "../../cluster-api";
import { Button, scrollable } from "../../design/controls";
import { clockText, dateText, none, priceText, signed } from "../../design/format";
import { saveOrders } from "../../export/save-file";
import { usePageState, usePlayback } from "../../playback-context";
import { usePolling } from "../../use-polling";
import styles from "./trade-report.module.css";

const refreshMs = 2000;

/** Orders, fills, and profit and loss of a session in all its simulated markets, including orders that a rewind undid. */
export function ImpactReport() {
  const playback = usePlayback();
  const id = usePageState(({ session }) => session?.session_id);
  const load = useCallback(
    async () => (id === undefined ? undefined : loadReport(playback.address, id)),
    [playback, id],
  );
  const { value: report, problem } = usePolling(load, refreshMs);
  if (!report) return <p className={styles.none}>{problem ?? "Loading…"}</p>;
  const save = async () => {
    try {
      await saveOrders(playback.address, report.session_id);
    } catch (error) {
      playback.notify("problem", error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className={styles.report}>
      <Totals report={report} />
      {report.orders.length === 0 ? (
        <p className={styles.none}>No orders yet. Use Buy and Sell while a simulated market plays.</p>
      ) : (
        <>
          <PnlLine values={report.orders.map(({ pnl_so_far }) => pnl_so_far)} />
          <section className={styles.scroll} {...scrollable} aria-label="Orders, newest first">
            <table className={styles.orders}>
              <thead>
                <tr>
                  {["Time (UTC)", "Market", "Side", "Filled", "Price", "P&L", "Total P&L"].map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {report.orders.toReversed().map((order) => (
                  <OrderRow key={order.id} order={order} decimals={playback.decimals} />
                ))}
              </tbody>
            </table>
          </section>
        </>
      )}
      <div className={styles.foot}>
        <span className={styles.hint}>{problem ?? "Kept until the session expires."}</span>
        <Button variant="outlined" disabled={report.orders.length === 0} onClick={() => void save()}>
          Save as CSV
        </Button>
      </div>
    </div>
  );
}

function Totals({ report: { totals, account } }: { readonly report: TradeReport }) {
  const open = account?.unrealized_pnl ?? null;
  const figures: readonly (readonly [name: string, text: string, sign?: number])[] = [
    ["Realised", signed(totals.realized_pnl, 2), Math.sign(totals.realized_pnl)],
    ["Open P&L", open === null ? none : signed(open, 2), Math.sign(open ?? 0)],
    ["Position", account ? String(account.position).replace("-", "−") : none],
    ["Orders", String(totals.orders)],
    ["Bought", String(totals.bought)],
    ["Sold", String(totals.sold)],
    ["Winning exits", totals.exits === 0 ? none : `${totals.winning_exits} of ${totals.exits}`],
    [
      "Best, worst exit",
      totals.exits === 0 ? none : `${signed(totals.best_exit ?? 0, 2)}, ${signed(totals.worst_exit ?? 0, 2)}`,
    ],
  ];
  return (
    <dl className={styles.totals}>
      {figures.map(([name, text, sign]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd data-sign={sign}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function OrderRow({ order, decimals }: { readonly order: ReportedOrder; readonly decimals: number }) {
  const { side, quantity, filled, fill, symbol, seed, scenario, pnl_so_far } = order;
  const ms = fill === null ? undefined : Date.parse(fill.timestamp);
  return (
    <tr>
      <td title={ms === undefined ? "" : `${dateText(ms)} ${clockText(ms)}`}>
        {ms === undefined ? none : clockText(ms, 0)}
      </td>
      <td title={scenario ?? ""}>{symbol === null ? none : `${symbol} · ${seed}`}</td>
      <td data-side={side}>{side === "BUY" ? "Bought" : "Sold"}</td>
      <td>{filled === quantity ? filled : `${filled} of ${quantity}`}</td>
      <td>{priceText(fill?.price, decimals)}</td>
      <td data-sign={Math.sign(fill?.pnl ?? 0)}>{fill?.type === "EXIT" ? signed(fill.pnl, 2) : none}</td>
      <td data-sign={Math.sign(pnl_so_far)}>{signed(pnl_so_far, 2)}</td>
    </tr>
  );
}

const width = 600;
const height = 60;

/** Profit and loss from order to order, with a zero line. */
function PnlLine({ values }: { readonly values: readonly number[] }) {
  const all = [0, ...values];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const y = (value: number) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
  const points = all.map((value, nth) => `${(nth / (all.length - 1)) * width},${y(value)}`);
  return (
    <svg className={styles.line} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <line x1={0} x2={width} y1={y(0)} y2={y(0)} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}
