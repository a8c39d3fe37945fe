import { useEffect } from "react";
import { useDeck, useDeckState, useGlance, useRates } from "../deck-context";
import { Button, IconButton } from "../design/controls";
import { clockText, spanText } from "../design/format";
import styles from "./states.module.css";

/** What is wrong while the views still show what they have: connection lost, market down, a past moment under inspection. */
export function Strips() {
  return (
    <>
      <Reconnecting />
      <FeedDown />
      <Inspecting />
    </>
  );
}

function Reconnecting() {
  const phase = useDeckState((state) => state.phase);
  const connection = useDeckState((state) => state.connection);
  const lost = useDeckState((state) => state.lost);
  useRates((rates) => rates); // counts down by the second
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
  const feed = useDeckState((state) => state.feed);
  const mode = useDeckState(({ session }) => session?.mode);
  const name = useDeckState(({ session }) => `${session?.active_source ?? ""} ${session?.active_symbol ?? ""}`);
  const nothing = useGlance(({ newest }) => newest === undefined);
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
  const deck = useDeck();
  const pinned = useGlance((glance) => glance.pinned);
  const shown = useGlance((glance) => glance.shown);
  const newest = useGlance((glance) => glance.newest);
  if (!pinned || !shown || !newest) return null;
  return (
    <div className={styles.inspecting} role="status">
      <span>
        Inspecting <strong>{clockText(shown.ms)}</strong>, {spanText(newest.ms - shown.ms)} before the playhead
      </span>
      <Button look="outlined" onClick={() => void deck.seek({ seq: shown.frame.seq })}>
        Seek here
      </Button>
      <Button onClick={() => deck.inspection.release()}>Back to the playhead</Button>
    </div>
  );
}

const noticeMs = 7000;

/** Sentences that come and go. */
export function Notices() {
  const deck = useDeck();
  const notices = useDeckState((state) => state.notices);
  const newest = notices.at(-1);
  useEffect(() => {
    if (!newest) return;
    const timer = setTimeout(() => deck.dismiss(newest.id), noticeMs);
    return () => clearTimeout(timer);
  }, [deck, newest]);
  return (
    <div className={styles.notices} role="log" aria-live="polite" aria-label="Notices">
      {notices.map(({ id, tone, text }) => (
        <div key={id} className={styles.notice} data-tone={tone}>
          <span>{text}</span>
          <IconButton icon="close" size={13} label="Dismiss" onClick={() => deck.dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
