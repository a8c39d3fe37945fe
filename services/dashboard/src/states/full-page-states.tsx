import { Button } from "../design/controls";
import { switchMode } from "../modes/mode-switch";
import type { PlaybackState } from "../playback/playback-state";
import { useFrameSample, usePlayback, usePlaybackState } from "../playback-context";
import { leaveShared, openNewSession, openSession } from "../session/open-session";
import { CassetteIcon } from "./emblem";
import { SignIn } from "./sign-in";
import styles from "./states.module.css";

type FullPageStateName = "opening" | "failed" | "ended" | "empty" | "market";

/** What stands in place of the views while there is nothing for them to show; undefined when there is. */
export function useFullPageState(): FullPageStateName | undefined {
  const state = usePlaybackState(fullPageStateOf);
  const nothing = useFrameSample(({ newest }) => newest === undefined);
  return state === "market" && !nothing ? undefined : state;
}

function fullPageStateOf({ phase, session }: PlaybackState): FullPageStateName | undefined {
  if (phase === "failed") return "failed";
  if (phase === "ended") return "ended";
  if (phase === "opening" || !session) return "opening";
  if (session.tape === null && session.mode === "REPLAY") return "empty";
  if (session.mode === "LIVE") return "market";
  return undefined;
}

export function FullPageState({ state }: { readonly state: FullPageStateName }) {
  switch (state) {
    case "opening":
      return <Opening />;
    case "failed":
      return <Failed />;
    case "ended":
      return <Ended />;
    case "empty":
      return <Empty />;
    case "market":
      return <Market />;
  }
}

function Opening() {
  return (
    <div className={styles.full} role="status">
      <CassetteIcon turning />
      <p>Opening your session…</p>
    </div>
  );
}

function Failed() {
  const playback = usePlayback();
  const failure = usePlaybackState((state) => state.failure);
  const shared = usePlaybackState((state) => state.shared);
  const gone = failure?.code === "SESSION_NOT_FOUND";
  if (failure?.code === "UNAUTHORIZED") return <SignIn why={failure.message} />;
  return (
    <div className={styles.full} role="alert">
      <CassetteIcon tone="problem" />
      <h2>
        {gone
          ? "This session is gone"
          : failure?.code === "unreachable"
            ? "The cluster cannot be reached"
            : "The session could not be opened"}
      </h2>
      <p>
        {gone
          ? "It was deleted, or nobody had watched it for so long that it expired. Whoever shared it can send a new link."
          : failure?.message}
      </p>
      <div className={styles.actions}>
        {!gone && (
          <Button variant="primary" onClick={() => void openSession(playback)}>
            Try again
          </Button>
        )}
        {shared && (
          <Button variant={gone ? "primary" : "outlined"} onClick={() => void leaveShared(playback)}>
            Open my own
          </Button>
        )}
        <Button variant="outlined" onClick={() => void openNewSession(playback)}>
          New session
        </Button>
      </div>
    </div>
  );
}

function Ended() {
  const playback = usePlayback();
  const end = usePlaybackState((state) => state.end);
  const shared = usePlaybackState((state) => state.shared);
  if (end?.error?.code === "UNAUTHORIZED") return <SignIn why={end.error.message} />;
  const title = {
    expired: "Your session has expired",
    deleted: "This session was deleted",
    refused: "The cluster has closed this session",
    closed: "This session is closed",
  }[end?.reason ?? "closed"];
  const why = {
    expired: "Nobody had watched it or told it anything for a while. A new one begins where you choose.",
    deleted: "Somebody deleted it. Nothing of it is left; a new one is one click away.",
    refused: end?.error?.message ?? "",
    closed: "",
  }[end?.reason ?? "closed"];
  return (
    <div className={styles.full} role="alert">
      <CassetteIcon tone="problem" />
      <h2>{title}</h2>
      <p>{why}</p>
      <div className={styles.actions}>
        <Button variant="primary" onClick={() => void openNewSession(playback)}>
          New session
        </Button>
        {shared && (
          <Button variant="outlined" onClick={() => void leaveShared(playback)}>
            Open my own
          </Button>
        )}
      </div>
    </div>
  );
}

function Empty() {
  const playback = usePlayback();
  return (
    <div className={styles.full} role="status">
      <CassetteIcon />
      <h2>No tape to play yet</h2>
      <p>The cluster has no recording. Import one, or play a simulated market in the meantime.</p>
      <code>npm run tapedeck -- import recording.csv.gz --symbol BTCUSDT</code>
      <div className={styles.actions}>
        <Button
          variant="primary"
          onClick={() => void playback.mode({ mode: "SIMULATION", symbol: "BTCUSDT", seed: "1", scenario: "mixed" })}
        >
          Play a simulated market
        </Button>
        <Button variant="outlined" onClick={() => void openSession(playback)}>
          Look again
        </Button>
      </div>
    </div>
  );
}

/** LIVE before its first frame. */
function Market() {
  const playback = usePlayback();
  const feed = usePlaybackState((state) => state.feed);
  const session = usePlaybackState((state) => state.session);
  const name = `${session?.active_source ?? ""} ${session?.active_symbol ?? ""}`;
  const down = feed?.status === "down";
  return (
    <div className={styles.full} role="status">
      {down ? <CassetteIcon tone="problem" /> : <CassetteIcon turning />}
      <h2>{down ? `${name} is down` : `Waiting for ${name}`}</h2>
      <p>{feed?.reason ?? "Its first frame is on the way."}</p>
      <div className={styles.actions}>
        <Button variant="outlined" onClick={() => void switchMode(playback, "REPLAY")}>
          Back to a recording
        </Button>
        {session?.active_source !== "SIM" && (
          <Button
            variant="outlined"
            onClick={() => void playback.mode({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT" })}
          >
            Watch a simulated venue
          </Button>
        )}
      </div>
    </div>
  );
}
