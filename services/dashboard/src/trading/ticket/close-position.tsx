import { useStore } from "zustand";
import { Button } from "../../design/controls";
import { usePlayback } from "../../playback-context";
import styles from "./order-ticket.module.css";

/** Closes the position of a futures account by a market order; nothing without one. */
export function ClosePosition() {
  const { trading } = usePlayback();
  const account = useStore(trading.store, (state) => state.account);
  if (account?.kind !== "futures" || Number(account.position) === 0) return null;
  const side = Number(account.position) > 0 ? "sell" : "buy";
  const amount = account.position.replace("-", "");
  return (
    <Button
      variant="outlined"
      className={styles.close}
      onClick={() => void trading.place({ side, type: "MARKET", amount })}
    >
      Close position: {side} {amount} at market
    </Button>
  );
}
