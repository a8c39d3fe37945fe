import type { Frame, Level } from "@tapedeck/client";
import { useEffect, useState } from "react";
import { Button, IconButton, Segmented } from "../../design/controls";
import { clockText, none, priceText, sizeText } from "../../design/format";
import { type DeepSides, frameDepth } from "../../playback/deep-book";
import { numberOf } from "../../playback/frame-values";
import { useFrameSample, usePageState, usePlayback } from "../../playback-context";
import { Events } from "./events";
import styles from "./inspector.module.css";

/** All fields of the shown frame. Steps through the frames in the log without moving the playhead. */
export function Inspector() {
  const playback = usePlayback();
  const shown = useFrameSample((sample) => sample.shown);
  const inspecting = useFrameSample((sample) => sample.inspecting);
  const [form, setForm] = useState<"fields" | "levels" | "events" | "json">("fields");
  const hasEvents = usePageState(({ tape }) => tape?.event_track ?? false);
  if (!shown) return <p className={styles.none}>No frames yet.</p>;
  const { frame } = shown;
  return (
    <div className={styles.inspector}>
      <div className={styles.bar}>
        <IconButton
          icon="stepBack"
          label="Inspect previous frame"
          hotkey=","
          onClick={() => playback.inspection.move(-1)}
        />
        <IconButton
          icon="stepForward"
          label="Inspect next frame"
          hotkey="."
          onClick={() => playback.inspection.move(1)}
        />
        <span className={styles.at}>
          <strong>{clockText(shown.ms)}</strong> seq {frame.seq}
        </span>
        {inspecting && (
          <>
            <Button onClick={() => void playback.seek({ seq: frame.seq })}>Seek here</Button>
            <IconButton
              icon="close"
              label="Back to the playhead"
              hotkey="Esc"
              onClick={() => playback.inspection.release()}
            />
          </>
        )}
      </div>
      <div className={styles.forms}>
        <Segmented
          label="Frame details"
          value={form}
          onChoose={setForm}
          options={[
            { value: "fields", text: "Fields" },
            { value: "levels", text: "Levels" },
            ...(hasEvents ? [{ value: "events", text: "Events" } as const] : []),
            { value: "json", text: "JSON" },
          ]}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content has to be reachable by keyboard */}
      <section className={styles.body} tabIndex={0} aria-label="Frame">
        {form === "fields" && <Fields frame={frame} />}
        {form === "levels" && <Levels frame={frame} />}
        {form === "events" && hasEvents && <Events frame={frame} />}
        {form === "json" && <pre className={styles.json}>{JSON.stringify(frame, undefined, 1)}</pre>}
      </section>
    </div>
  );
}

const notFields = new Set(["type", "bids", "asks", "trades", "anomalies", "liquidity_gaps", "seq", "timestamp"]);

function Fields({ frame }: { readonly frame: Frame }) {
  const { decimals, sizeDecimals } = usePlayback();
  const prices = new Set(["mid_price", "microprice", "best_bid", "best_ask", "spread", "last_trade_price"]);
  return (
    <dl className={styles.fields}>
      {Object.entries(frame)
        .filter(([name]) => !notFields.has(name))
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {prices.has(name) && typeof value === "number"
                ? priceText(value, decimals + (name === "microprice" || name === "mid_price" ? 2 : 0))
                : textOf(value)}
            </dd>
          </div>
        ))}
      <div>
        <dt>trades</dt>
        <dd>{frame.trades.length}</dd>
      </div>
      <div>
        <dt>anomalies</dt>
        <dd>{frame.anomalies.length}</dd>
      </div>
      <div>
        <dt>bid depth</dt>
        <dd>{sizeText(depthOf(frame.bids), sizeDecimals)}</dd>
      </div>
      <div>
        <dt>ask depth</dt>
        <dd>{sizeText(depthOf(frame.asks), sizeDecimals)}</dd>
      </div>
      <div>
        <dt>liquidity gaps</dt>
        <dd>{numberOf(frame, "gap_count") ?? none}</dd>
      </div>
    </dl>
  );
}

function depthOf(levels: readonly Level[]): number {
  return levels.reduce((sum, [, size]) => sum + size, 0);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return none;
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return JSON.stringify(value);
}

const moreLevels = 100;

/** Those of the frame, and on request those behind them. */
function Levels({ frame }: { readonly frame: Frame }) {
  const { decimals, sizeDecimals } = usePlayback();
  const [depth, setDepth] = useState(frameDepth);
  const hasMore = usePageState(({ tape }) => tape?.event_track ?? false);
  const { bids, asks, bidLevels, askLevels } = useDeepSides(frame, depth);
  const rows = Math.min(depth, Math.max(bids.length, asks.length));
  const all = Math.max(bidLevels, askLevels);
  return (
    <>
      <table className={styles.levels}>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">Bid size</th>
            <th scope="col">Bid</th>
            <th scope="col">Ask</th>
            <th scope="col">Ask size</th>
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, nth) => {
            const [bid = 0, bidSize = 0] = bids[nth] ?? [];
            const [ask = 0, askSize = 0] = asks[nth] ?? [];
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a level is its place in the book
              <tr key={nth}>
                <td>{nth + 1}</td>
                <td>{bidSize > 0 ? sizeText(bidSize, sizeDecimals) : none}</td>
                <td data-side="buy">{bidSize > 0 ? priceText(bid, decimals) : none}</td>
                <td data-side="sell">{askSize > 0 ? priceText(ask, decimals) : none}</td>
                <td>{askSize > 0 ? sizeText(askSize, sizeDecimals) : none}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {hasMore && (depth === frameDepth || depth < all) && (
        <Button className={styles.more} onClick={() => setDepth(depth + moreLevels)}>
          Show more levels{all > frameDepth && ` (of ${all})`}
        </Button>
      )}
    </>
  );
}

/** The sides of a frame's book, again when more of them is loaded. */
function useDeepSides(frame: Frame, depth: number): DeepSides {
  const playback = usePlayback();
  const [sides, setSides] = useState<DeepSides>(() => playback.deepBook.of(frame, frameDepth));
  useEffect(() => {
    const paint = (): undefined => {
      setSides(playback.deepBook.of(frame, depth));
    };
    return playback.animation.add({ everyMs: 125, paint });
  }, [playback, frame, depth]);
  return sides;
}
