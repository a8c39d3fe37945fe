import { useEffect, useRef } from "react";
import { useDeck, useDeckState, useRates } from "../deck-context";
import { Button } from "../design/controls";
import { spanText } from "../design/format";
import { behindNow, isAtEdge } from "./edge";
import styles from "./transport-bar.module.css";

/** In LIVE: glows at the edge; elsewhere says how far it is, and leads there. */
export function LiveButton() {
  const deck = useDeck();
  const session = useDeckState((state) => state.session);
  useRates((rates) => rates); // the distance is told anew every second
  const saidAt = useRef(performance.now());
  useEffect(() => {
    if (session) saidAt.current = performance.now();
  }, [session]);
  if (session?.mode !== "LIVE") return null;
  const behind = behindNow(session, performance.now() - saidAt.current);
  const edge = isAtEdge(session, behind);
  return (
    <div className={styles.group}>
      {!edge && behind !== undefined && <span className={styles.behind}>{spanText(behind)} behind</span>}
      <Button
        className={styles.live}
        data-edge={edge}
        aria-pressed={edge}
        title={edge ? "At the edge (L)" : "Jump to the edge (L)"}
        onClick={() => void deck.live()}
      >
        <i aria-hidden="true" />
        LIVE
      </Button>
    </div>
  );
}
