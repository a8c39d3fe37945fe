import { useEffect } from "react";
import { Button, IconButton } from "../design/controls";
import { clockText, spanText } from "../design/format";
import { useFrameSample, usePlayback, usePlaybackState, usePlaybackStats } from "../playback-context";
import styles from "./states.module.css";

/** What is wrong while the views still show what they have: connection lost, market down, a past moment under inspection. */
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
  const phase = usePlaybackState((state) => state.phase);
  const connection = usePlaybackState((state) => state.connection);
  const lost = usePlaybackState((state) => state.reconnect);
  usePlaybackStats((rates) => rates); // counts down by the second
  if (phase !== "open" || connection === "open") return null;
  const inMs = lost ? lost.retryAt - Date.now() : 0;
  return (
    <div className={styles.strip} role="status" data-testid="reconnecting">
      <i className={styles.pulse} aria-hidden="true" />
      <strong>Reconnecting.</strong>
      <span>
        The connection was lost{lost ? ` (${lost.why})` : ""}; what you see is the last that came.
        {inMs > 1000 ? ` Next attempt in ${spanText(inMs)}.` : ""} Nothing is missed: frames continue where they
        stopped.
      </span>
    </div>
  );
}

function FeedDown() {
  const feed = usePlaybackState((state) => state.feed);
  const mode = usePlaybackState(({ session }) => session?.mode);
  const name = usePlaybackState(({ session }) => `${session?.active_source ?? ""} ${session?.active_symbol ?? ""}`);
  const nothing = useFrameSample(({ newest }) => newest === undefined);
  // Where there is nothing to see yet, the page in place of the views says so.
  if (mode !== "LIVE" || !feed || feed.status === "up" || nothing) return null;
  return (
    <div
      className={styles.strip}
      data-tone={feed.status === "down" ? "problem" : undefined}
      role="status"
      data-testid="feed"
    >
      <i className={styles.pulse} aria-hidden="true" />
      <strong>{feed.status === "down" ? `${name} is down.` : `Connecting to ${name}.`}</strong>
      <span>{feed.reason ?? "Its frames will come as soon as it is there."}</span>
    </div>
  );
}

function Inspecting() {
  const playback = usePlayback();
  const pinned = useFrameSample((glance) => glance.pinned);
  const shown = useFrameSample((glance) => glance.shown);
  const newest = useFrameSample((glance) => glance.newest);
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

const noticeMs = 7000;

/** Sentences that come and go. */
export function Toasts() {
  const playback = usePlayback();
  const notices = usePlaybackState((state) => state.toasts);
  const newest = notices.at(-1);
  useEffect(() => {
    if (!newest) return;
    const timer = setTimeout(() => playback.dismissToast(newest.id), noticeMs);
    return () => clearTimeout(timer);
  }, [playback, newest]);
  return (
    <div className={styles.notices} role="log" aria-live="polite" aria-label="Notices">
      {notices.map(({ id, tone, text }) => (
        <div key={id} className={styles.notice} data-tone={tone}>
          <span>{text}</span>
          <IconButton icon="close" size={13} label="Dismiss" onClick={() => playback.dismissToast(id)} />
        </div>
      ))}
    </div>
  );
}
