import { useState } from "react";
import { Button, Field, Input } from "../../design/controls";
import { clockText, none, priceText, signed } from "../../design/format";
import { lastQuantity } from "../../modes/mode-options";
import { useFrameSample, usePageState, usePlayback } from "../../playback-context";
import styles from "./impact-orders.module.css";

/** Market orders that move the session's simulated market, with account and fills. */
export function ImpactOrders() {
  const playback = usePlayback();
  const account = usePageState(({ session }) => session?.account);
  const playing = usePageState(({ session }) => session?.state === "PLAYING");
  const fills = usePageState((state) => state.fills);
  const frame = useFrameSample(({ newest }) => newest?.frame);
  const [text, setText] = useState(String(lastQuantity.get()));
  const quantity = Number(text);
  const valid = text.trim() !== "" && quantity > 0 && quantity <= 1e9;
  const order = (side: "BUY" | "SELL") => {
    if (!valid) return;
    lastQuantity.set(quantity);
    void playback.order(side, quantity);
  };
  const { decimals } = playback;
  const open =
    account && account.average_price !== null && frame
      ? account.position * (frame.mid_price - account.average_price)
      : 0;
  return (
    <div className={styles.orders}>
      <div className={styles.ticket}>
        <Button variant="buy" disabled={!valid || !playing} onClick={() => order("BUY")}>
          <span className={styles.sideText}>
            Buy <small>{frame && priceText(frame.best_ask, decimals)}</small>
          </span>
        </Button>
        <Field text="Quantity">
          {(id) => (
            <Input
              id={id}
              inputMode="decimal"
              value={text}
              aria-invalid={!valid}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <Button variant="sell" disabled={!valid || !playing} onClick={() => order("SELL")}>
          <span className={styles.sideText}>
            Sell <small>{frame && priceText(frame.best_bid, decimals)}</small>
          </span>
        </Button>
      </div>
      <dl className={styles.account}>
        <div>
          <dt>Position</dt>
          <dd data-testid="position">{account ? signedSize(account.position) : none}</dd>
        </div>
        <div>
          <dt>Average</dt>
          <dd>{account ? priceText(account.average_price, decimals) : none}</dd>
        </div>
        <div>
          <dt>Open P&amp;L</dt>
          <dd data-sign={Math.sign(open)}>{signed(open, 2)}</dd>
        </div>
        <div>
          <dt>Realised</dt>
          <dd data-sign={Math.sign(account?.realized_pnl ?? 0)}>{account ? signed(account.realized_pnl, 2) : none}</dd>
        </div>
      </dl>
      <ol className={styles.fills} aria-label="Fills, newest first">
        {fills.slice(0, 6).map((fill) => (
          <li key={fill.id} data-side={fill.side}>
            <b>{fill.side === "BUY" ? "Bought" : "Sold"}</b>
            <span>{sizeOf(fill.size)}</span>
            <span>@ {priceText(fill.price, decimals)}</span>
            <span data-sign={Math.sign(fill.pnl)}>{fill.type === "EXIT" ? signed(fill.pnl, 2) : ""}</span>
            <time>{clockText(Date.parse(fill.timestamp), 0)}</time>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Without the rounding noise of sums. */
function sizeOf(size: number): string {
  return String(Number(Math.abs(size).toPrecision(8)));
}

function signedSize(size: number): string {
  return size === 0 ? "0" : `${size < 0 ? "−" : "+"}${sizeOf(size)}`;
}
