import { useStore } from "zustand";
import { Button } from "../../design/controls";
import { Panel } from "../../design/panel";
import { gapsOf } from "../../playback/frame-values";
import { useFrameSample } from "../../playback-context";
import { InspectionMark, useView } from "../view";
import { Ladder } from "./ladder";
import styles from "./ladder.module.css";

export function LadderPanel() {
  const { host, view } = useView((element, playback) => new Ladder(element, playback));
  const gaps = useFrameSample(({ shown }) => (shown ? gapsOf(shown.frame).length : 0));
  return (
    <Panel
      title="Ladder"
      note={<InspectionMark />}
      aside={
        <>
          {view && <ToBest ladder={view} />}
          {gaps > 0 && (
            <span className={styles.gaps} title="Levels with unusually little size, with their risk from 0 to 100">
              {gaps === 1 ? "1 gap" : `${gaps} gaps`}
            </span>
          )}
        </>
      }
      bodyRef={host}
    />
  );
}

function ToBest({ ladder }: { readonly ladder: Ladder }) {
  const scrolled = useStore(ladder.scrolled);
  if (scrolled === 0) return null;
  return (
    <Button className={styles.toBest} onClick={() => ladder.scrollToBest()}>
      Best prices
    </Button>
  );
}
