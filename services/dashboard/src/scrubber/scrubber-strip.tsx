import { type KeyboardEvent, useId, useMemo } from "react";
import { clockText, dateText, spanWords } from "../design/format";
import { usePageState } from "../playback-context";
import { useView } from "../views/view";
import { Scrubber } from "./scrubber";
import styles from "./scrubber.module.css";
import { type AxisGap, axisOf, gapsOf } from "./tape-axis";

/** Gaps that are listed for screen readers. */
const maxListedGaps = 20;

export function ScrubberStrip() {
  const { host, view } = useView((element, playback) => new Scrubber(element, playback));
  const tape = usePageState((state) => state.tape);
  const description = useId();
  const breaks = useMemo(() => {
    // Which gaps are shortened does not depend on the width.
    return tape ? axisOf({ from: Date.parse(tape.from), to: Date.parse(tape.to) }, gapsOf(tape), 1).breaks : [];
  }, [tape]);
  const onKeyDown = (event: KeyboardEvent) => {
    const share = {
      ArrowRight: 0.005,
      ArrowUp: 0.005,
      ArrowLeft: -0.005,
      ArrowDown: -0.005,
      PageUp: 0.1,
      PageDown: -0.1,
    }[event.key];
    if (share !== undefined) view?.nudge(share);
    else if (event.key === "Home") view?.toEnd("from");
    else if (event.key === "End") view?.toEnd("to");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={styles.strip}>
      <div
        ref={host}
        className={styles.host}
        role="slider"
        tabIndex={0}
        aria-label="Position on the tape"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={0}
        aria-describedby={breaks.length > 0 ? description : undefined}
        title="Drag to seek; shift-drag to select a range"
        onKeyDown={onKeyDown}
      />
      {breaks.length > 0 && (
        <p id={description} className="unseen">
          {gapsText(breaks)}
        </p>
      )}
    </div>
  );
}

function gapsText(breaks: readonly AxisGap[]): string {
  const gaps = breaks
    .slice(0, maxListedGaps)
    .map(({ fromMs, toMs }) => `${spanWords(toMs - fromMs)} from ${dateText(fromMs)} ${clockText(fromMs, 0)}`);
  const more = breaks.length > maxListedGaps ? `, and ${breaks.length - maxListedGaps} more` : "";
  return `${breaks.length === 1 ? "A gap is" : `${breaks.length} gaps are`} shortened: ${gaps.join("; ")}${more}.`;
}
