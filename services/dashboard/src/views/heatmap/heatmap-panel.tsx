import { useStore } from "zustand";
import { Button, IconButton, Select } from "../../design/controls";
import { spanText } from "../../design/format";
import { Panel } from "../../design/panel";
import { useExportableChart } from "../../export/exportable-charts";
import { usePageState, usePlayback } from "../../playback-context";
import { InspectionMark, useView } from "../view";
import { Heatmap } from "./heatmap";
import styles from "./heatmap.module.css";

const spans = [15_000, 60_000, 300_000, 900_000, 3_600_000];

export function HeatmapPanel() {
  const { host, view } = useView((element, playback) => new Heatmap(element, playback));
  useExportableChart("depth", view);
  const { viewport } = usePlayback();
  const spanMs = useStore(viewport.store, (state) => state.spanMs);
  const known = spanMs === undefined || spans.includes(spanMs);
  return (
    <Panel
      title="Depth"
      note={
        <>
          <span className={styles.legend} aria-hidden="true">
            small <i /> large
            <b data-side="buy" /> bought <b data-side="sell" /> sold
            {view && <UnknownLegend heatmap={view} />}
          </span>
          <InspectionMark />
        </>
      }
      aside={
        <>
          {view && <FollowButton heatmap={view} />}
          {view && <PriceControls heatmap={view} />}
          <Select
            small
            aria-label="Visible time span"
            value={spanMs === undefined ? "" : String(spanMs)}
            onChange={({ target }) => viewport.choose(target.value === "" ? undefined : Number(target.value))}
          >
            <option value="">Auto</option>
            {spans.map((span) => (
              <option key={span} value={span}>
                {spanText(span)}
              </option>
            ))}
            {!known && <option value={spanMs}>{spanText(spanMs)}</option>}
          </Select>
        </>
      }
      className={styles.panel}
      bodyRef={host}
      bodyClass={styles.host}
    />
  );
}

/** Back to the playhead, to the price, or to both: there is no room for two buttons on a phone. */
function FollowButton({ heatmap }: { readonly heatmap: Heatmap }) {
  const { viewport } = usePlayback();
  const followsTime = useStore(viewport.store, (state) => state.endMs === undefined);
  const followsPrice = useStore(heatmap.prices.store, (state) => state.following);
  if (followsTime && followsPrice) return null;
  const follow = () => {
    viewport.follow();
    if (!followsPrice) heatmap.prices.followPrice();
  };
  return (
    <Button className={styles.follow} onClick={follow}>
      {followsTime ? "Follow price" : "Follow"}
    </Button>
  );
}

/** Which prices are shown. */
function PriceControls({ heatmap }: { readonly heatmap: Heatmap }) {
  const { viewport, notify } = usePlayback();
  const { whole } = useStore(heatmap.prices.store);
  const hasTrack = usePageState(({ tape }) => tape?.event_track ?? false);
  const toggleWhole = () => {
    if (whole) heatmap.prices.reset();
    else if (hasTrack) heatmap.prices.showWhole();
    else notify("info", withoutTrack);
  };
  return (
    <>
      <Button
        className={styles.whole}
        aria-pressed={whole}
        aria-disabled={!hasTrack}
        title={hasTrack ? "Show all prices at which the book is known" : withoutTrack}
        onClick={toggleWhole}
      >
        Whole book
      </Button>
      <IconButton icon="minus" size={14} label="Show more prices" onClick={() => heatmap.zoomPrice(1.3)} />
      <IconButton icon="plus" size={14} label="Show fewer prices" onClick={() => heatmap.zoomPrice(1 / 1.3)} />
      <IconButton
        icon="reset"
        size={14}
        label="Reset zoom"
        onClick={() => {
          viewport.choose(undefined);
          heatmap.prices.reset();
        }}
      />
    </>
  );
}

const withoutTrack = "This tape has no event track: of its book only the best 20 levels are known.";

function UnknownLegend({ heatmap }: { readonly heatmap: Heatmap }) {
  const deep = useStore(heatmap.prices.store, (state) => state.deep);
  const hasTrack = usePageState(({ tape }) => tape?.event_track ?? false);
  if (!deep || !hasTrack) return null;
  return (
    <>
      <u /> not known
    </>
  );
}
