import { useStore } from "zustand";
import { clockText, priceText, signed } from "../../design/format";
import { usePlayback } from "../../playback-context";
import styles from "./orders.module.css";

/** More are in the report. */
const shown = 50;

/** What was filled up to the playhead, newest first. */
export function FillList() {
  const { trading, decimals } = usePlayback();
  const fills = useStore(trading.store, (state) => state.fills);
  return (
    <section className={styles.part} aria-label="Fills">
      <header>
        <h3>Fills</h3>
        {fills.length > shown && <small>the last {shown}</small>}
      </header>
      {fills.length === 0 ? (
        <p className={styles.none}>None up to here.</p>
      ) : (
        <ol className={styles.list} aria-label="Fills of orders, newest first">
          {fills
            .slice(-shown)
            .reverse()
            .map(({ fill_id, side, amount, price, liquidity, realized_pnl, timestamp }) => (
              <li key={fill_id} data-side={side}>
                <b>{side === "buy" ? "Bought" : "Sold"}</b>
                <span>{amount}</span>
                <span>@ {priceText(Number(price), decimals)}</span>
                <small>{liquidity}</small>
                <time>{clockText(Date.parse(timestamp), 0)}</time>
                {realized_pnl !== null && Number(realized_pnl) !== 0 ? (
                  <span data-sign={Math.sign(Number(realized_pnl))}>{signed(Number(realized_pnl), 2)}</span>
                ) : (
                  <span />
                )}
              </li>
            ))}
        </ol>
      )}
    </section>
  );
}
