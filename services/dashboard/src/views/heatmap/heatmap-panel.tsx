import { useStore } from "zustand";
import { Button, IconButton, Select } from "../../design/controls";
import { spanText } from "../../design/format";
import { Panel } from "../../design/panel";
import { useExportableChart } from "../../export/exportable-charts";
import { usePlayback } from "../../playback-context";
import { InspectionMark, useView } from "../view";
import { Heatmap } from "./heatmap";
import styles from "./heatmap.module.css";

const spans = [15_000, 60_000, 300_000, 900_000, 3_600_000];

export function HeatmapPanel() {
  const { host, view } = useView((element, playback) => new Heatmap(element, playback));
  useExportableChart("depth", view);
  const { viewport } = usePlayback();
  const spanMs = useStore(viewport.store, (state) => state.spanMs);
  const following = useStore(viewport.store, (state) => state.endMs === undefined);
  const known = spanMs === undefined || spans.includes(spanMs);
  return (
    <Panel
      title="Depth"
      note={
        <>
          <span className={styles.legend} aria-hidden="true">
            small <i /> large
            <b data-side="buy" /> bought <b data-side="sell" /> sold
          </span>
          <InspectionMark />
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
    >
      <div
        ref={host}
        className={styles.host}
        role="img"
        aria-label="Order book over time: brightness shows size, discs show trades"
      />
    </Panel>
  );
}
