import { useStore } from "zustand";
import { Button } from "../../design/controls";
import styles from "./order-ticket.module.css";
import { ticket } from "./order-ticket-state";

/** Turns on that a plain click on the ladder places an order. */
export function ClickTradingButton() {
  const on = useStore(ticket, (state) => state.clickTrading);
  return (
    <Button
      className={styles.clickTrading}
      aria-pressed={on}
      title="A click on the ladder places an order: left of the prices buys, right of them sells. Without this it needs Ctrl or ⌘"
      onClick={() => ticket.setState({ clickTrading: !on })}
    >
      Click trading
    </Button>
  );
}
