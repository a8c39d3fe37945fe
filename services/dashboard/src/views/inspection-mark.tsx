import { useGlance } from "../deck-context";
import { clockText } from "../design/format";
import styles from "./inspection-mark.module.css";

/** Says that a view shows a past moment. */
export function InspectionMark() {
  const ms = useGlance(({ shown }) => shown?.ms);
  return <span className={styles.mark}>at {ms === undefined ? "" : clockText(ms)}</span>;
}
