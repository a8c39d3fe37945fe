import { useStore } from "zustand";
import { clockText } from "../../design/format";
import { usePlayback } from "../../playback-context";
import { isWorking } from "./order-list";
import { reasonText } from "./order-reasons";
import styles from "./orders.module.css";

const shown = 5;

const words: Readonly<Record<string, string>> = {
  CANCELED: "cancelled",
  EXPIRED: "expired",
  REJECTED: "rejected",
};

/** The last orders that ended without being filled, with the reason; nothing if there are none. */
export function EndedOrders() {
  const { trading } = usePlayback();
  const orders = useStore(trading.store, (state) => state.orders);
  const ended = orders.filter((order) => !isWorking(order) && order.status !== "FILLED").slice(-shown);
  if (ended.length === 0) return null;
  return (
    <section className={styles.part} aria-label="Orders that ended">
      <header>
        <h3>Not filled</h3>
      </header>
      <ol className={styles.list} aria-label="Orders that ended, newest first">
        {ended.reverse().map(({ order_id, side, amount, price, stop_price, status, reason, updated_at }) => (
          <li key={order_id} data-side={side} title={reasonText(reason)}>
            <b>{side === "buy" ? "Buy" : "Sell"}</b>
            <span>{amount}</span>
            <span>{price ?? stop_price ?? "market"}</span>
            <small>{words[status] ?? status.toLowerCase()}</small>
            <time>{clockText(Date.parse(updated_at), 0)}</time>
            <span />
          </li>
        ))}
      </ol>
    </section>
  );
}
