import type { KeyboardEvent } from "react";
import { useView } from "../views/use-view";
import { Scrubber } from "./scrubber";
import styles from "./scrubber-strip.module.css";

export function ScrubberStrip() {
  const { host, view } = useView((element, deck) => new Scrubber(element, deck));
  const key = (event: KeyboardEvent) => {
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
        aria-label="Place on the tape"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={0}
        title="Drag to seek, shift and drag to choose a range"
        onKeyDown={key}
      />
    </div>
  );
}
