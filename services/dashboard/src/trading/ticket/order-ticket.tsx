import { useStore } from "zustand";
import { Button, Field, Input, Segmented, Select } from "../../design/controls";
import { priceText } from "../../design/format";
import { useFrameSample, usePageState, usePlayback } from "../../playback-context";
import styles from "./order-ticket.module.css";
import { orderOf, type Side, type TicketType, type TimeInForce, ticket } from "./order-ticket-state";

const types: readonly { readonly value: TicketType; readonly text: string }[] = [
  { value: "MARKET", text: "Market" },
  { value: "LIMIT", text: "Limit" },
  { value: "STOP", text: "Stop" },
];

const times: readonly { readonly value: TimeInForce; readonly text: string }[] = [
  { value: "GTC", text: "Good till cancelled" },
  { value: "GTX", text: "Post only" },
  { value: "IOC", text: "Immediate or cancel" },
  { value: "FOK", text: "Fill or kill" },
];

/** Places market, limit and stop orders. */
export function OrderTicket() {
  const playback = usePlayback();
  const { trading, notify } = playback;
  const values = useStore(ticket);
  const instrument = useStore(trading.store, (state) => state.instrument);
  const problem = useStore(trading.store, (state) => state.problem);
  const playing = usePageState(({ session }) => session?.state === "PLAYING");
  const frame = useFrameSample(({ newest }) => newest?.frame);
  const { type } = values;
  const place = (side: Side) => {
    if (!instrument) return notify("problem", problem ?? "The session has no tape to trade on.");
    const found = orderOf(values, side, instrument);
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
        <NumberField text="Amount" value={values.amount} onChange={(amount) => ticket.setState({ amount })} />
        {type === "LIMIT" && (
          <NumberField text="Price" value={values.price} onChange={(price) => ticket.setState({ price })} />
        )}
        {type === "STOP" && (
          <>
            <NumberField
              text="Stop price"
              value={values.stopPrice}
              onChange={(stopPrice) => ticket.setState({ stopPrice })}
            />
            <NumberField text="Limit, optional" value={values.price} onChange={(price) => ticket.setState({ price })} />
          </>
        )}
        {type === "LIMIT" && (
          <Field text="Time in force">
            {(id) => (
              <Select
                id={id}
                value={values.timeInForce}
                onChange={({ target }) => {
                  const chosen = times.find(({ value }) => value === target.value);
                  if (chosen) ticket.setState({ timeInForce: chosen.value });
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
        )}
      </div>
      <div className={styles.sides}>
        <Button variant="buy" onClick={() => place("buy")}>
          Buy {quote("buy")}
        </Button>
        <Button variant="sell" onClick={() => place("sell")}>
          Sell {quote("sell")}
        </Button>
      </div>
      {!playing && <p className={styles.hint}>Paused: an order reaches the market when it plays on.</p>}
    </form>
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
