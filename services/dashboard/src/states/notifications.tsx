import { useEffect } from "react";
import { Button, IconButton } from "../design/controls";
import { clockText, spanText } from "../design/format";
import { useFrameSample, usePageState, usePlayback, usePlaybackStats } from "../playback-context";
import styles from "./states.module.css";

/** Above the views, which keep what they show: connection lost, market down, a past moment inspected. */
export function Banners() {
  return (
    <>
      <Reconnecting />
      <FeedDown />
      <Inspecting />
    </>
  );
}

function Reconnecting() {
  const phase = usePageState((state) => state.phase);
  const connection = usePageState((state) => state.connection);
  const reconnect = usePageState((state) => state.reconnect);
  usePlaybackStats((stats) => stats); // renders every second, for the countdown
  if (phase !== "open" || connection === "open") return null;
  const inMs = reconnect ? reconnect.retryAt - Date.now() : 0;
  return (
    <div className={styles.banner} role="status" data-testid="reconnecting">
      <i className={styles.pulse} aria-hidden="true" />
      <strong>Reconnecting.</strong>
      <span>
        The connection was lost{reconnect ? ` (${reconnect.why})` : ""}.
        {inMs > 1000 ? ` Next attempt in ${spanText(inMs)}.` : ""} No frames are lost: they continue where they stopped.
      </span>
    </div>
  );
}

function FeedDown() {
  const feed = usePageState((state) => state.feed);
  const mode = usePageState(({ session }) => session?.mode);
  const name = usePageState(({ session }) => `${session?.active_source ?? ""} ${session?.active_symbol ?? ""}`);
  const empty = useFrameSample(({ newest }) => newest === undefined);
  // Before the first frame, a full-page state says the same.
  if (mode !== "LIVE" || !feed || feed.status === "up" || empty) return null;
  return (
    <div
      className={styles.banner}
      data-tone={feed.status === "down" ? "problem" : undefined}
      role="status"
      data-testid="feed"
    >
      <i className={styles.pulse} aria-hidden="true" />
      <strong>{feed.status === "down" ? `${name} is down.` : `Connecting to ${name}.`}</strong>
      <span>{feed.reason ?? "Frames appear once it is connected."}</span>
    </div>
  );
}

function Inspecting() {
  const playback = usePlayback();
  const pinned = useFrameSample((sample) => sample.pinned);
  const shown = useFrameSample((sample) => sample.shown);
  const newest = useFrameSample((sample) => sample.newest);
  if (!pinned || !shown || !newest) return null;
  return (
    <div className={styles.inspecting} role="status">
      <span>
        Inspecting <strong>{clockText(shown.ms)}</strong>, {spanText(newest.ms - shown.ms)} before the playhead
      </span>
      <Button variant="outlined" onClick={() => void playback.seek({ seq: shown.frame.seq })}>
        Seek here
      </Button>
      <Button onClick={() => playback.inspection.release()}>Back to the playhead</Button>
    </div>
  );
}

const toastMs = 7000;

export function Toasts() {
  const playback = usePlayback();
  const toasts = usePageState((state) => state.toasts);
  const newest = toasts.at(-1);
  useEffect(() => {
    if (!newest) return;
    const timer = setTimeout(() => playback.dismissToast(newest.id), toastMs);
    return () => clearTimeout(timer);
  }, [playback, newest]);
  return (
    <div className={styles.toasts} role="log" aria-live="polite" aria-label="Notifications">
      {toasts.map(({ id, tone, text }) => (
        <div key={id} className={styles.toast} data-tone={tone}>
          <span>{text}</span>
          <IconButton icon="close" size={13} label="Dismiss" onClick={() => playback.dismissToast(id)} />
        </div>
      ))}
    </div>
  );
}
