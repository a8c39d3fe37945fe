import { Button } from "../design/controls";
import { spanText } from "../design/format";
import { usePlayback, usePlaybackState, usePlaybackStats } from "../playback-context";
import { behindNow, isAtEdge } from "./edge";
import styles from "./transport-bar.module.css";

/** In LIVE: glows at the edge; elsewhere says how far it is, and leads there. */
export function LiveButton() {
  const playback = usePlayback();
  const session = usePlaybackState((state) => state.session);
  const toldAt = usePlaybackState((state) => state.receivedAt);
  const up = usePlaybackState(({ feed }) => feed === undefined || feed.status === "up");
  usePlaybackStats((rates) => rates); // the distance is told anew every second
  if (session?.mode !== "LIVE") return null;
  const behind = behindNow(session, performance.now() - toldAt);
  const edge = isAtEdge(session, behind);
  return (
    <div className={styles.group}>
      {!edge && behind !== undefined && (
        <span className={styles.behind} data-testid="behind">
          {spanText(behind)} behind
        </span>
      )}
      <Button
        className={styles.live}
        data-edge={edge && up}
        aria-pressed={edge}
        title={edge ? (up ? "At the edge (L)" : "At the edge of a market that is not up") : "Jump to the edge (L)"}
        onClick={() => void playback.live()}
      >
        <i aria-hidden="true" />
        LIVE
      </Button>
    </div>
  );
}
