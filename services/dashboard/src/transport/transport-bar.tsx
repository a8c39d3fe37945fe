import { Button, IconButton } from "../design/controls";
import { clockText, spanText } from "../design/format";
import { Icon } from "../design/icon";
import { behindNow, isAtEdge } from "../playback/page-state";
import { usePageState, usePlayback, usePlaybackStats } from "../playback-context";
import { Clock } from "./clock";
import { seekEvent } from "./keyboard-shortcuts";
import { Rewind } from "./rewind";
import { Speed } from "./speed";
import styles from "./transport-bar.module.css";

/** The playback controls. Commands go to the cluster, and the bar shows the state that the cluster reports. */
export function TransportBar() {
  // On a small screen the live button and the range replace some other buttons.
  const crowded = usePageState(({ session }) => {
    const { from_ts = null, to_ts = null } = session?.controller_state ?? {};
    const limited = from_ts !== null || to_ts !== null;
    return session?.mode === "LIVE" ? (limited ? "by both" : "by one") : limited ? "by one" : "no";
  });
  return (
    <div className={styles.bar} role="toolbar" aria-label="Transport" data-crowded={crowded}>
      <Clock />
      <Buttons />
      <Events />
      <Speed />
      <Range />
      <div className={styles.spacer} />
      <StateText />
      <LiveButton />
    </div>
  );
}

function Buttons() {
  const playback = usePlayback();
  const state = usePageState(({ session }) => session?.state);
  const label = state === "PLAYING" ? "Pause" : state === "PAUSED" ? "Resume" : "Start";
  return (
    <div className={styles.group}>
      <IconButton icon="stop" label="Stop and return to the start" hotkey="Home" onClick={() => void playback.stop()} />
      <Rewind />
      <IconButton icon="stepBack" label="One frame back" hotkey="←" onClick={() => void playback.step(-1)} />
      <Button
        variant="primary"
        className={styles.play}
        data-playing={state === "PLAYING"}
        aria-label={label}
        title={`${label} (Space)`}
        onClick={() => void playback.toggle()}
      >
        <Icon name={state === "PLAYING" ? "pause" : "play"} size={18} />
      </Button>
      <IconButton icon="stepForward" label="One frame forward" hotkey="→" onClick={() => void playback.step(1)} />
    </div>
  );
}

function Events() {
  const playback = usePlayback();
  return (
    <div className={styles.group}>
      <IconButton
        icon="previousEvent"
        label="Previous event"
        hotkey="["
        onClick={() => void seekEvent(playback, "previous")}
      />
      <IconButton icon="nextEvent" label="Next event" hotkey="]" onClick={() => void seekEvent(playback, "next")} />
    </div>
  );
}

function Range() {
  const playback = usePlayback();
  const from = usePageState(({ session }) => session?.controller_state.from_ts ?? undefined);
  const to = usePageState(({ session }) => session?.controller_state.to_ts ?? undefined);
  const loop = usePageState(({ session }) => session?.controller_state.loop ?? false);
  const live = usePageState(({ session }) => session?.mode === "LIVE");
  const here = () => playback.log.last?.ms;
  const limited = from !== undefined || to !== undefined;
  return (
    <div className={styles.group}>
      <IconButton
        icon="rangeIn"
        label="Set range start"
        hotkey="I"
        aria-pressed={from !== undefined}
        onClick={() => {
          const at = here();
          if (at !== undefined) void playback.range({ from: at });
        }}
      />
      <IconButton
        icon="rangeOut"
        label="Set range end"
        hotkey="O"
        aria-pressed={to !== undefined}
        onClick={() => {
          const at = here();
          if (at !== undefined) void playback.range({ to: at });
        }}
      />
      <IconButton
        icon="loop"
        label="Loop"
        {...(!live && { hotkey: "L" })}
        aria-pressed={loop}
        onClick={() => void playback.range({ loop: !loop })}
      />
      {limited && (
        <>
          <span className={styles.rangeText}>
            {from ? clockText(Date.parse(from), 0) : "start"} – {to ? clockText(Date.parse(to), 0) : "end"}
          </span>
          <IconButton
            icon="close"
            size={13}
            label="Clear range"
            hotkey="P"
            onClick={() => void playback.range({ from: null, to: null, loop: false })}
          />
        </>
      )}
    </div>
  );
}

function StateText() {
  const session = usePageState((state) => state.session);
  if (!session) return null;
  const { state, reason, parked } = session;
  const text =
    state === "PLAYING"
      ? parked
        ? "Waiting"
        : "Playing"
      : state === "PAUSED"
        ? "Paused"
        : reason === "ended"
          ? "End of tape"
          : "Stopped";
  return (
    <output className={styles.state} aria-label="Playback state">
      {text}
    </output>
  );
}

/** In LIVE: lit at the live edge; elsewhere it shows the distance, and a click jumps to the edge. */
function LiveButton() {
  const playback = usePlayback();
  const session = usePageState((state) => state.session);
  const toldAt = usePageState((state) => state.receivedAt);
  const up = usePageState(({ feed }) => feed === undefined || feed.status === "up");
  usePlaybackStats((stats) => stats); // renders every second, for the distance
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
        title={
          edge ? (up ? "At the live edge (L)" : "At the edge, but the market is down") : "Jump to the live edge (L)"
        }
        onClick={() => void playback.live()}
      >
        <i aria-hidden="true" />
        LIVE
      </Button>
    </div>
  );
}
