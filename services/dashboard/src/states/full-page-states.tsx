import { useState } from "react";
import { Button, Field, Input } from "../design/controls";
import { switchMode } from "../modes/mode-switch";
import type { PageState } from "../playback/page-state";
import { useFrameSample, usePageState, usePlayback } from "../playback-context";
import { apiOrigin, keepAccessToken } from "../session/cluster-settings";
import { leaveShared, openNewSession, openSession } from "../session/session-navigation";
import styles from "./states.module.css";

type FullPageStateName = "opening" | "failed" | "ended" | "empty" | "market";

/** What is shown in place of the views while they have nothing to show; undefined otherwise. */
export function useFullPageState(): FullPageStateName | undefined {
  const state = usePageState(fullPageStateOf);
  const empty = useFrameSample(({ newest }) => newest === undefined);
  return state === "market" && !empty ? undefined : state;
}

function fullPageStateOf({ phase, session }: PageState): FullPageStateName | undefined {
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
  const failure = usePageState((state) => state.failure);
  const shared = usePageState((state) => state.shared);
  const gone = failure?.code === "SESSION_NOT_FOUND";
  if (failure?.code === "UNAUTHORIZED") return <SignIn why={failure.message} />;
  return (
    <div className={styles.full} role="alert">
      <CassetteIcon tone="problem" />
      <h2>
        {gone
          ? "Session not found"
          : failure?.code === "unreachable"
            ? "Cannot reach the cluster"
            : "Cannot open the session"}
      </h2>
      <p>
        {gone
          ? "It was deleted, or it expired because it was not used. Ask for a new link to join again."
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
            Open my session
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
  const end = usePageState((state) => state.end);
  const shared = usePageState((state) => state.shared);
  if (end?.error?.code === "UNAUTHORIZED") return <SignIn why={end.error.message} />;
  const title = {
    expired: "Your session has expired",
    deleted: "This session was deleted",
    refused: "The cluster closed this session",
    closed: "This session is closed",
  }[end?.reason ?? "closed"];
  const why = {
    expired: "It was not used for a while. Start a new session to continue.",
    deleted: "It was deleted and cannot be restored. Start a new session to continue.",
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
            Open my session
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
      <h2>No tapes yet</h2>
      <p>The cluster has no recordings. Import one, or play a simulated market.</p>
      <code>npm run tapedeck -- import recording.csv.gz --symbol BTCUSDT</code>
      <div className={styles.actions}>
        <Button
          variant="primary"
          onClick={() => void playback.mode({ mode: "SIMULATION", symbol: "BTCUSDT", seed: "1", scenario: "mixed" })}
        >
          Play a simulated market
        </Button>
        <Button variant="outlined" onClick={() => void openSession(playback)}>
          Check again
        </Button>
      </div>
    </div>
  );
}

/** LIVE before its first frame. */
function Market() {
  const playback = usePlayback();
  const feed = usePageState((state) => state.feed);
  const session = usePageState((state) => state.session);
  const name = `${session?.active_source ?? ""} ${session?.active_symbol ?? ""}`;
  const down = feed?.status === "down";
  return (
    <div className={styles.full} role="status">
      {down ? <CassetteIcon tone="problem" /> : <CassetteIcon turning />}
      <h2>{down ? `${name} is down` : `Waiting for ${name}`}</h2>
      <p>{feed?.reason ?? "The first frame has not arrived yet."}</p>
      <div className={styles.actions}>
        <Button variant="outlined" onClick={() => void switchMode(playback, "REPLAY")}>
          Play a recording
        </Button>
        {session?.active_source !== "SIM" && (
          <Button
            variant="outlined"
            onClick={() => void playback.mode({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT" })}
          >
            Watch a simulated market
          </Button>
        )}
      </div>
    </div>
  );
}

/** For clusters that require a token. The cluster issues none itself: tokens come from the login provider that it trusts. */
function SignIn({ why }: { readonly why: string }) {
  const playback = usePlayback();
  const [text, setText] = useState("");
  const token = text.trim();
  return (
    <div className={styles.full} role="alert">
      <CassetteIcon />
      <h2>Sign in</h2>
      <p>{why} Paste the access token from your login provider. It is stored in this browser only.</p>
      <form
        className={styles.signIn}
        onSubmit={(event) => {
          event.preventDefault();
          if (token === "") return;
          keepAccessToken(apiOrigin(), token);
          history.replaceState(null, "", location.pathname + location.search);
          void openSession(playback);
        }}
      >
        <Field text="Access token">
          {(id) => <Input id={id} type="password" value={text} onChange={({ target }) => setText(target.value)} />}
        </Field>
        <Button type="submit" variant="primary" disabled={token === ""}>
          Sign in
        </Button>
      </form>
    </div>
  );
}

/** Its reels turn while something is in progress. */
function CassetteIcon({ tone, turning }: { readonly tone?: "problem"; readonly turning?: boolean }) {
  return (
    <svg
      className={turning ? `${styles.cassette} ${styles.turning}` : styles.cassette}
      data-tone={tone}
      width="72"
      height="50"
      viewBox="0 0 72 50"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      aria-hidden="true"
    >
      <rect x="1" y="1" width="70" height="48" rx="6" />
      <rect x="11" y="10" width="50" height="22" rx="11" opacity="0.6" />
      <circle cx="23" cy="21" r="6.500" strokeDasharray="5 3.200" />
      <circle cx="49" cy="21" r="6.500" strokeDasharray="5 3.200" />
      <path d="M17 49l4-9h30l4 9" opacity="0.6" />
    </svg>
  );
}
