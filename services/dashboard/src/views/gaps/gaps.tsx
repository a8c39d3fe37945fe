import { useMemo } from "react";
import { scrollable } from "../../design/controls";
import { none, priceText, sizeText } from "../../design/format";
import { useFrameSample, usePlayback } from "../../playback-context";
import styles from "./gaps.module.css";
import { gapsByPrice } from "./gaps-by-price";

/** Liquidity gaps by price: those of the shown frame, and recent ones. */
export function Gaps() {
  const { decimals, sizeDecimals, log } = usePlayback();
  const seq = useFrameSample(({ shown }) => shown?.frame.seq);
  const { frames, prices } = useMemo(() => gapsByPrice(log, seq ?? -1), [log, seq]);
  if (seq === undefined) return <p className={styles.none}>No frames yet.</p>;
  if (prices.length === 0)
    return <p className={styles.none}>No liquidity gaps: each of the best ten levels has enough size.</p>;
  return (
    <section className={styles.body} {...scrollable} aria-label="Gaps by price">
      <table className={styles.gaps}>
        <thead>
          <tr>
            <th scope="col">Price</th>
            <th scope="col">Level</th>
            <th scope="col">Volume</th>
            <th scope="col" title="0 to 100: the less size and the closer to the best price, the higher">
              Risk
            </th>
            <th scope="col" title={`Share of the last ${frames} frames with a gap at this price`}>
              Recent
            </th>
          </tr>
        </thead>
        <tbody>
          {prices.map(({ price, side, count, now }) => (
            <tr key={`${side} ${price}`} data-side={side} data-now={now ? "yes" : "no"}>
              <td>
                {priceText(price, decimals)} <small>{side}</small>
              </td>
              <td>{now ? now.level : none}</td>
              <td>{now ? sizeText(now.volume, sizeDecimals) : none}</td>
              <td>
                {now && <meter min={0} max={100} value={now.risk_score} aria-hidden="true" />}
                {now ? now.risk_score : none}
              </td>
              <td>{`${Math.max(1, Math.round((100 * count) / frames))} %`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
