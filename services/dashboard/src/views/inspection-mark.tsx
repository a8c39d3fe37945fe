import { clockText } from "../design/format";
import { useFrameSample } from "../playback-context";
import styles from "./inspection-mark.module.css";

/** Says that a view shows a past moment. */
export function InspectionMark() {
  const ms = useFrameSample(({ shown }) => shown?.ms);
  return <span className={styles.mark}>at {ms === undefined ? "" : clockText(ms)}</span>;
}
