import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { usePlaybackState, usePlaybackStats } from "../playback-context";
import styles from "./session.module.css";
import { SessionPanel } from "./session-panel";

/** Connection at a glance; unfolds to all about the session. */
export function SessionChip() {
  const connection = usePlaybackState((state) => state.connection);
  const phase = usePlaybackState((state) => state.phase);
  const connections = usePlaybackState(({ session }) => session?.connections ?? 0);
  const latency = usePlaybackStats((rates) => rates.latencyMs);
  const fps = usePlaybackStats((rates) => rates.framesPerSecond);
  const up = phase === "open" && connection === "open";
  return (
    <Popover
      label="Session"
      align="right"
      className={styles.popover}
      buttonClass={styles.chip}
      button={
        <>
          <i className={styles.light} data-up={up} />
          <span className={styles.rate}>{up ? `${fps} fps` : connection}</span>
          <span className={styles.latency}>
            {latency === undefined ? "" : `${latency.toFixed(latency < 10 ? 1 : 0)} ms`}
          </span>
          {connections > 1 && (
            <span className={styles.people}>
              <Icon name="people" size={13} />
              {connections}
            </span>
          )}
          <Icon name="chevron" size={12} />
        </>
      }
    >
      {(close) => <SessionPanel onDone={close} />}
    </Popover>
  );
}
