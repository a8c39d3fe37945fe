import { useStore } from "zustand";
import { Button, IconButton, Select } from "../../design/controls";
import { spanText } from "../../design/format";
import { Panel } from "../../design/panel";
import { useExportableChart } from "../../export/exportable-charts";
import { useFrameSample, usePlayback } from "../../playback-context";
import { InspectionMark } from "../inspection-mark";
import { useView } from "../use-view";
import { Heatmap } from "./heatmap";
import styles from "./heatmap-panel.module.css";

const spans = [15_000, 60_000, 300_000, 900_000, 3_600_000];

export function HeatmapPanel() {
  const { host, view } = useView((element, playback) => new Heatmap(element, playback));
  useExportableChart("depth", view);
  const { viewport } = usePlayback();
  const spanMs = useStore(viewport.store, (state) => state.spanMs);
  const following = useStore(viewport.store, (state) => state.endMs === undefined);
  const inspecting = useFrameSample((glance) => glance.inspecting);
  const known = spanMs === undefined || spans.includes(spanMs);
  return (
    <Panel
      title="Depth"
      note={
        <>
          <span className={styles.legend} aria-hidden="true">
            thin <i /> thick
            <b data-side="buy" /> bought <b data-side="sell" /> sold
          </span>
          {inspecting && <InspectionMark />}
        </>
      }
      aside={
        <>
          {!following && (
            <Button className={styles.follow} onClick={() => viewport.follow()}>
              Follow
            </Button>
          )}
          <IconButton icon="minus" size={14} label="Show more prices" onClick={() => view?.zoomPrice(1.3)} />
          <IconButton icon="plus" size={14} label="Show fewer prices" onClick={() => view?.zoomPrice(1 / 1.3)} />
          <IconButton
            icon="reset"
            size={14}
            label="Reset zoom"
            onClick={() => {
              viewport.choose(undefined);
              view?.resetZoom();
            }}
          />
          <Select
            small
            aria-label="Stretch of tape time in sight"
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
    >
      <div
        ref={host}
        className={styles.host}
        role="img"
        aria-label="Order book over time: brightness is size, discs are trades"
      />
    </Panel>
  );
}
