import { Button, IconButton } from "../design/controls";
import { clockText } from "../design/format";
import { Icon } from "../design/icon";
import { usePlayback, usePlaybackState } from "../playback-context";
import { Clock } from "./clock";
import { seekEvent } from "./keyboard-shortcuts";
import { LiveButton } from "./live-button";
import { Rewind } from "./rewind";
import { Speed } from "./speed";
import styles from "./transport-bar.module.css";

/** The deck's buttons. What they do is done by the cluster; what they show is what the cluster has said. */
export function TransportBar() {
  // The way to the edge, or the range, takes the place of some buttons where there is not room for all.
  const crowded = usePlaybackState(({ session }) => {
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
  const state = usePlaybackState(({ session }) => session?.state);
  const label = state === "PLAYING" ? "Pause" : state === "PAUSED" ? "Resume" : "Start";
  return (
    <div className={styles.group}>
      <IconButton icon="stop" label="Stop: back to the start" hotkey="Home" onClick={() => void playback.stop()} />
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
      <IconButton icon="stepForward" label="One frame on" hotkey="→" onClick={() => void playback.step(1)} />
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
  const from = usePlaybackState(({ session }) => session?.controller_state.from_ts ?? undefined);
  const to = usePlaybackState(({ session }) => session?.controller_state.to_ts ?? undefined);
  const loop = usePlaybackState(({ session }) => session?.controller_state.loop ?? false);
  const live = usePlaybackState(({ session }) => session?.mode === "LIVE");
  const here = () => playback.log.last?.ms;
  const limited = from !== undefined || to !== undefined;
  return (
    <div className={styles.group}>
      <IconButton
        icon="rangeIn"
        label="Range begins here"
        hotkey="I"
        aria-pressed={from !== undefined}
        onClick={() => {
          const at = here();
          if (at !== undefined) void playback.range({ from: at });
        }}
      />
      <IconButton
        icon="rangeOut"
        label="Range ends here"
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
            label="Play the whole tape again"
            hotkey="P"
            onClick={() => void playback.range({ from: null, to: null, loop: false })}
          />
        </>
      )}
    </div>
  );
}

function StateText() {
  const session = usePlaybackState((deck) => deck.session);
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
    <output className={styles.state} aria-label="State of the deck">
      {text}
    </output>
  );
}
