import type { SessionOrder } from "@tapedeck/protocol";
import { type KeyboardEvent, useState } from "react";
import { useStore } from "zustand";
import { Button, IconButton, Input } from "../../design/controls";
import { clockText } from "../../design/format";
import { usePlayback } from "../../playback-context";
import { isWorking, moveTo, waitsForTrigger } from "./order-list";
import styles from "./orders.module.css";

/** Orders that may still be filled, newest first. Their price can be typed anew, as dragging them does. */
export function WorkingOrders() {
  const { trading } = usePlayback();
  const orders = useStore(trading.store, (state) => state.orders);
  const working = orders.filter(isWorking).reverse();
  return (
    <section className={styles.part} aria-label="Working orders">
      <header>
        <h3>Working orders</h3>
        {working.length > 1 && <Button onClick={() => void trading.cancelAll()}>Cancel all</Button>}
      </header>
      {working.length === 0 ? (
        <p className={styles.none}>None. Use the ticket, or Ctrl-click a price in the ladder.</p>
      ) : (
        <ul className={styles.list} aria-label="Working orders, newest first">
          {working.map((order) => (
            <WorkingOrder key={order.order_id} order={order} />
          ))}
        </ul>
      )}
    </section>
  );
}

function WorkingOrder({ order }: { readonly order: SessionOrder }) {
  const { trading } = usePlayback();
  const { order_id, side, filled, status, created_at } = order;
  const request = useStore(trading.store, ({ requests }) => requests.get(order_id)?.text);
  const name = `${side} ${sizeOf(order)}`;
  return (
    <li data-side={side} data-status={status} title={`${status} since ${clockText(Date.parse(order.updated_at))}`}>
      <b>{side === "buy" ? "Buy" : "Sell"}</b>
      <span>
        {sizeOf(order)}
        {Number(filled) > 0 && <small> ({filled} filled)</small>}
      </span>
      <PriceInput order={order} />
      <small className={styles.state}>{request ?? stateOf(order)}</small>
      <time>{clockText(Date.parse(created_at), 0)}</time>
      <IconButton icon="close" size={12} label={`Cancel ${name}`} onClick={() => void trading.cancel(order_id)} />
    </li>
  );
}

/**
 * A limit order's price, or the trigger of one that waits for it. Enter moves the order there, Escape shows its price again. As long as the
 * field has the focus its text is the user's: if it followed an order that moves, a digit would be typed into another price.
 */
function PriceInput({ order }: { readonly order: SessionOrder }) {
  const { trading } = usePlayback();
  const [draft, setDraft] = useState<{ readonly before: string; readonly text: string }>();
  const { order_id, price, stop_price, side } = order;
  const waits = waitsForTrigger(order);
  const text = waits ? stop_price : price;
  if (text === null) return <span>market</span>;
  const onKeyDown = ({ key }: KeyboardEvent) => {
    const typed = draft?.text.trim().replaceAll(",", "");
    if (key === "Enter" && typed !== undefined && typed !== draft?.before && typed !== text)
      void trading.replace(order_id, moveTo(order, typed));
    if (key === "Escape") setDraft({ before: text, text });
  };
  return (
    <Input
      small
      inputMode="decimal"
      aria-label={`${waits ? "Stop price" : "Price"} of ${side} ${sizeOf(order)}`}
      title={`Enter moves the order to another price${waits && price !== null ? `; its limit, ${price}, goes along` : ""}`}
      value={draft?.text ?? text}
      onFocus={() => setDraft({ before: text, text })}
      onChange={({ target }) => setDraft({ before: draft?.before ?? text, text: target.value })}
      onKeyDown={onKeyDown}
      onBlur={() => setDraft(undefined)}
    />
  );
}

/** What kind of order it is, what it is bound to, and until when it is good. */
function stateOf({ order_id, status, type, list, expires_at, reduce_only }: SessionOrder): string {
  if (status === "PENDING") return "on its way";
  if (list?.waits === true) return "after its entry";
  const kind = type.toLowerCase().replaceAll("_", "-");
  const isEntry = list !== undefined && list.contingency !== "OCO" && list.list_id === order_id;
  const bound = isEntry ? ", entry" : list !== undefined && list.contingency !== "OTO" ? ", OCO" : "";
  const until = expires_at === undefined ? "" : `, until ${clockText(Date.parse(expires_at), 0)}`;
  return `${kind}${bound}${reduce_only === true ? ", reduces" : ""}${until}`;
}

/** What of an order is open, or what stands in its place until the venue has determined it. */
function sizeOf({ open, quote_amount, close_position, filled }: SessionOrder): string {
  if (Number(open) > 0 || Number(filled) > 0) return open;
  if (close_position === true) return "position";
  return quote_amount === undefined ? open : `for ${quote_amount}`;
}
