import { useStore } from "zustand";
import { Button, Field, Input, Segmented, Select } from "../../design/controls";
import { priceText } from "../../design/format";
import { useFrameSample, usePageState, usePlayback } from "../../playback-context";
import { ClosePosition } from "./close-position";
import styles from "./order-ticket.module.css";
import {
  canReduce,
  hasExits,
  hasLimit,
  isConditional,
  orderOf,
  type Side,
  sizingOf,
  type TicketType,
  type TimeInForce,
  ticket,
} from "./order-ticket-state";
import { marketNow, sendTicket } from "./send-ticket";
import { SizeField } from "./size-field";

const types: readonly { readonly value: TicketType; readonly text: string; readonly title?: string }[] = [
  { value: "MARKET", text: "Market" },
  { value: "LIMIT", text: "Limit" },
  {
    value: "STOP",
    text: "Stop",
    title: "Waits for a trade at the stop price: at it or above to buy, at it or below to sell",
  },
  {
    value: "TAKE_PROFIT",
    text: "Take profit",
    title: "Waits for a trade at the stop price: at it or below to buy, at it or above to sell",
  },
  {
    value: "OCO",
    text: "OCO",
    title:
      "One cancels the other: a take profit and a stop together. The one that the market comes to first ends the other",
  },
];

const times: readonly { readonly value: TimeInForce; readonly text: string }[] = [
  { value: "GTC", text: "Good till cancelled" },
  { value: "GTD", text: "For a time" },
  { value: "GTX", text: "Post only" },
  { value: "IOC", text: "Immediate or cancel" },
  { value: "FOK", text: "Fill or kill" },
];

/** Places orders of all types, and pairs of which one ends the other. What does not apply to the chosen type is not shown. */
export function OrderTicket() {
  const playback = usePlayback();
  const { trading, notify } = playback;
  const values = useStore(ticket);
  const account = useStore(trading.store, (state) => state.settings?.account.kind);
  const problem = useStore(trading.store, (state) => state.problem);
  const playing = usePageState(({ session }) => session?.state === "PLAYING");
  const frame = useFrameSample(({ newest }) => newest?.frame);
  const { type } = values;
  const place = (side: Side) => {
    const market = marketNow(playback);
    if (!market) return notify("problem", problem ?? "The session has no tape to trade on.");
    sendTicket(playback, orderOf(values, side, market));
  };
  const quote = (side: Side) => {
    if (type !== "MARKET" || !frame) return null;
    return <small>{priceText(side === "buy" ? frame.best_ask : frame.best_bid, playback.decimals)}</small>;
  };
  return (
    <form className={styles.ticket} aria-label="Order ticket" onSubmit={(event) => event.preventDefault()}>
      <Segmented
        className={styles.types}
        label="Order type"
        options={types}
        value={type}
        onChoose={(value) => ticket.setState({ type: value })}
      />
      <div className={styles.fields}>
        <SizeField account={account} />
        {type === "LIMIT" && <PriceField text="Price" name="price" />}
        {(type === "OCO" || hasExits(values)) && <PriceField text="Take profit" name="profitPrice" />}
        {(isConditional(type) || type === "OCO" || hasExits(values)) && (
          <PriceField text="Stop price" name="stopPrice" />
        )}
        {(type === "OCO" || (isConditional(type) && sizingOf(values, account) !== "position")) && (
          <PriceField text={type === "OCO" ? "Stop limit, optional" : "Limit, optional"} name="price" />
        )}
        {hasLimit(values, account) && <TimeInForceField value={values.timeInForce} />}
        {hasLimit(values, account) && values.timeInForce === "GTD" && (
          <Field text="Good for">
            {(id) => (
              <Input
                id={id}
                placeholder="90s, 15m, 2h"
                title="From the playhead on, in the tape's time"
                value={values.goodFor}
                onChange={({ target }) => ticket.setState({ goodFor: target.value })}
              />
            )}
          </Field>
        )}
      </div>
      {(type === "LIMIT" || canReduce(values, account)) && (
        <div className={styles.marks}>
          {type === "LIMIT" && (
            <Mark
              text="Take profit / stop"
              title="When the order has been filled, a take profit and a stop follow, or one of them"
              name="exits"
            />
          )}
          {canReduce(values, account) && (
            <Mark text="Reduce only" title="Never opens or turns the position" name="reduceOnly" />
          )}
        </div>
      )}
      <div className={styles.sides}>
        <Button variant="buy" onClick={() => place("buy")}>
          Buy {quote("buy")}
        </Button>
        <Button variant="sell" onClick={() => place("sell")}>
          Sell {quote("sell")}
        </Button>
      </div>
      <ClosePosition />
      {!playing && <p className={styles.hint}>Paused: an order reaches the market when it plays on.</p>}
    </form>
  );
}

function TimeInForceField({ value: chosen }: { readonly value: TimeInForce }) {
  return (
    <Field text="Time in force">
      {(id) => (
        <Select
          id={id}
          value={chosen}
          onChange={({ target }) => {
            const found = times.find(({ value }) => value === target.value);
            if (found) ticket.setState({ timeInForce: found.value });
          }}
        >
          {times.map(({ value, text }) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function PriceField({ text, name }: { readonly text: string; readonly name: "price" | "stopPrice" | "profitPrice" }) {
  const value = useStore(ticket, (values) => values[name]);
  return (
    <Field text={text}>
      {(id) => (
        <Input
          id={id}
          inputMode="decimal"
          value={value}
          onChange={({ target }) => ticket.setState({ [name]: target.value })}
        />
      )}
    </Field>
  );
}

interface MarkProps {
  readonly text: string;
  readonly title: string;
  readonly name: "exits" | "reduceOnly";
}

/** A tick box. */
function Mark({ text, title, name }: MarkProps) {
  const checked = useStore(ticket, (values) => values[name]);
  return (
    <label title={title}>
      <input type="checkbox" checked={checked} onChange={({ target }) => ticket.setState({ [name]: target.checked })} />
      {text}
    </label>
  );
}
