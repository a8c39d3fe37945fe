import { Panel } from "../../design/panel";
import { gapsOf } from "../../playback/frame-values";
import { useFrameSample } from "../../playback-context";
import { InspectionMark } from "../inspection-mark";
import { useView } from "../use-view";
import { Ladder } from "./ladder";
import styles from "./ladder-panel.module.css";

export function LadderPanel() {
  const { host } = useView((element, playback) => new Ladder(element, playback));
  const inspecting = useFrameSample((glance) => glance.inspecting);
  const gaps = useFrameSample(({ shown }) => (shown ? gapsOf(shown.frame).length : 0));
  return (
    <Panel
      title="Ladder"
      note={inspecting && <InspectionMark />}
      aside={
        gaps > 0 && (
          <span className={styles.gaps} title="Levels that hold little for this market, with their risk from 0 to 100">
            {gaps === 1 ? "1 gap" : `${gaps} gaps`}
          </span>
        )
      }
      bodyRef={host}
    />
  );
}
