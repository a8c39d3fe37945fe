import { IconButton } from "../../design/controls";
import { Panel } from "../../design/panel";
import { useExportableChart } from "../../export/exportable-charts";
import { useFrameSample } from "../../playback-context";
import { InspectionMark } from "../inspection-mark";
import { useView } from "../use-view";
import { PriceChart } from "./price-chart";
import styles from "./price-panel.module.css";

export function PricePanel() {
  const { host, view } = useView((element, playback) => new PriceChart(element, playback));
  useExportableChart("price", view);
  const inspecting = useFrameSample((glance) => glance.inspecting);
  return (
    <Panel
      title="Price"
      note={
        <>
          <span className={styles.legend}>
            <i data-line="mid" /> mid
            <i data-line="micro" /> microprice
          </span>
          {inspecting && <InspectionMark />}
        </>
      }
      aside={<IconButton icon="reset" label="Show the newest again" size={14} onClick={() => view?.follow()} />}
    >
      <div ref={host} className={styles.host} role="img" aria-label="Mid price and microprice over time" />
    </Panel>
  );
}
