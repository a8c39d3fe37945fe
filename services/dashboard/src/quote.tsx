import styles from "./app.module.css";
import { Badge } from "./design/controls";
import { none, priceText, signed } from "./design/format";
import { numberOf } from "./playback/frame-values";
import { useFrameSample, usePlayback } from "./playback-context";

/** The market in one line. */
export function Quote() {
  const playback = usePlayback();
  const frame = useFrameSample(({ shown }) => shown?.frame);
  if (!frame) return <div className={styles.quote} />;
  const { decimals } = playback;
  const lean = signed(numberOf(frame, "divergence") ?? 0, Math.min(8, decimals + 2));
  return (
    <div className={styles.quote}>
      <strong data-testid="mid">{priceText(frame.mid_price, decimals + 1)}</strong>
      <span data-direction={lean.startsWith("−") ? -1 : lean.startsWith("+") ? 1 : 0} title="Microprice less mid">
        {lean}
      </span>
      <span className={styles.quoteMore}>
        spread {frame.spread === null ? none : priceText(frame.spread, decimals)}
      </span>
    </div>
  );
}

export function RegimeBadge() {
  const regime = useFrameSample(({ shown }) => shown?.frame.regime);
  const label = useFrameSample(({ shown }) => shown?.frame.regime_label);
  if (label === undefined) return null;
  return (
    <span className={styles.regime} data-regime={regime} title="Regime of the market">
      <Badge>
        <i aria-hidden="true" />
        {label}
      </Badge>
    </span>
  );
}
