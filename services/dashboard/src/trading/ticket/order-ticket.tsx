import { useStore } from "zustand";
import { Button, Field, Input, Segmented, Select } from "../../design/controls";
import { priceText } from "../../design/format";
import { useFrameSample, usePageState, usePlayback } from "../../playback-context";
import { ClosePosition } from "./close-position";
import styles from "./order-ticket.module.css";
import {
  hasLimit,
  isConditional,
  orderOf,
  type Side,
  sizingOf,
  type TicketType,
  type TimeInForce,
  ticket,
} from "./order-ticket-state";
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
];

const times: readonly { readonly value: TimeInForce; readonly text: string }[] = [
  { value: "GTC", text: "Good till cancelled" },
  { value: "GTX", text: "Post only" },
  { value: "IOC", text: "Immediate or cancel" },
  { value: "FOK", text: "Fill or kill" },
];

/** Places market, limit, stop and take-profit orders. What does not apply to the chosen type is not shown. */
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
    const { market } = trading;
    if (!market) return notify("problem", problem ?? "The session has no tape to trade on.");
    const found = orderOf(values, side, market);
    if ("problem" in found) notify("problem", found.problem);
    else void trading.place(found.order);
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
        {type === "LIMIT" && (
          <NumberField text="Price" value={values.price} onChange={(price) => ticket.setState({ price })} />
        )}
        {isConditional(type) && (
          <NumberField
            text="Stop price"
            value={values.stopPrice}
            onChange={(stopPrice) => ticket.setState({ stopPrice })}
          />
        )}
        {isConditional(type) && sizingOf(values, account) !== "position" && (
          <NumberField text="Limit, optional" value={values.price} onChange={(price) => ticket.setState({ price })} />
        )}
        {hasLimit(values, account) && <TimeInForceField value={values.timeInForce} />}
      </div>
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

interface NumberFieldProps {
  readonly text: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function NumberField({ text, value, onChange }: NumberFieldProps) {
  return (
    <Field text={text}>
      {(id) => <Input id={id} inputMode="decimal" value={value} onChange={({ target }) => onChange(target.value)} />}
    </Field>
  );
}
