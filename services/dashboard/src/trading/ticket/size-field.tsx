import { useStore } from "zustand";
import { Field, Input, Select } from "../../design/controls";
import styles from "./order-ticket.module.css";
import { type Sizing, sizingOf, sizingsOf, type TicketMarket, ticket } from "./order-ticket-state";

const names: Readonly<Record<Sizing, string>> = { amount: "Amount", cost: "Cost", position: "Whole position" };

/** How large the order is. Where more than one thing can say that, the label is a choice. */
export function SizeField({ account }: { readonly account: TicketMarket["account"] | undefined }) {
  const values = useStore(ticket);
  const options = sizingsOf(values.type, account);
  const sizing = sizingOf(values, account);
  const input = (id?: string) => (
    <Input
      {...(id === undefined ? { "aria-label": names[sizing] } : { id })}
      inputMode="decimal"
      value={sizing === "cost" ? values.cost : values.amount}
      onChange={({ target: { value } }) => ticket.setState(sizing === "cost" ? { cost: value } : { amount: value })}
    />
  );
  if (options.length === 1) return <Field text={names[sizing]}>{input}</Field>;
  return (
    <div className={styles.size}>
      <Select
        className={styles.sizing}
        aria-label="Size of the order by"
        title={sizing === "cost" ? "What to pay, or to get, in the quote currency, without fees" : undefined}
        value={sizing}
        onChange={({ target }) => {
          const found = options.find((option) => option === target.value);
          if (found) ticket.setState({ sizing: found });
        }}
      >
        {options.map((option) => (
          <option key={option} value={option}>
            {names[option]}
          </option>
        ))}
      </Select>
      {sizing === "position" ? <span className={styles.whole}>closes it</span> : input()}
    </div>
  );
}
