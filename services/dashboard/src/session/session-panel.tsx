import { useState } from "react";
import { Button, Field, IconButton, Input } from "../design/controls";
import { countText, none } from "../design/format";
import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { usePageState, usePlayback, usePlaybackStats } from "../playback-context";
import { accessToken, apiOrigin, keepApi, trustCluster } from "./cluster-settings";
import styles from "./session.module.css";
import {
  joinSession,
  leaveShared,
  openNewSession,
  openSession,
  parseSessionLink,
  type SharedSession,
  sessionLink,
} from "./session-navigation";

/** The state of the connection; opens the session panel. */
export function SessionButton() {
  const connection = usePageState((state) => state.connection);
  const phase = usePageState((state) => state.phase);
  const connections = usePageState(({ session }) => session?.connections ?? 0);
  const latency = usePlaybackStats((stats) => stats.latencyMs);
  const fps = usePlaybackStats((stats) => stats.framesPerSecond);
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

function SessionPanel({ onDone }: { readonly onDone: () => void }) {
  const playback = usePlayback();
  const session = usePageState((state) => state.session);
  const shared = usePageState((state) => state.shared);
  const copy = async (text: string, what: string) => {
    const done = await copyText(text);
    playback.notify(done ? "info" : "problem", done ? `${what} copied.` : `Cannot copy. ${what}: ${text}`);
  };
  // On a cluster with sign-in, each share link carries a token with a role.
  const signedIn = accessToken(apiOrigin()) !== undefined;
  const copyLink = async (id: string, role: "viewer" | "controller") => {
    try {
      const access = signedIn ? (await playback.cluster?.shares.create(id, { role }))?.token : undefined;
      await copy(sessionLink(id, access), "Link");
    } catch (error) {
      playback.notify("problem", error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className={styles.panel}>
      {session && (
        <>
          <div className={styles.id}>
            <div>
              <span className={styles.caption}>{shared ? "Shared session" : "Your session"}</span>
              <code data-testid="session-id">{session.session_id}</code>
            </div>
            <IconButton
              icon="link"
              label="Copy session id"
              onClick={() => void copy(session.session_id, "Session id")}
            />
          </div>
          <div className={styles.buttons}>
            <Button variant="primary" data-autofocus onClick={() => void copyLink(session.session_id, "controller")}>
              Copy link
            </Button>
            {signedIn && (
              <Button variant="outlined" onClick={() => void copyLink(session.session_id, "viewer")}>
                Copy view-only link
              </Button>
            )}
            <Button
              variant="outlined"
              onClick={() => {
                onDone();
                void openNewSession(playback);
              }}
            >
              New session
            </Button>
            {shared && (
              <Button
                variant="outlined"
                onClick={() => {
                  onDone();
                  void leaveShared(playback);
                }}
              >
                Back to my session
              </Button>
            )}
          </div>
          <Facts />
        </>
      )}
      <JoinForm
        onJoin={(joined) => {
          onDone();
          void joinSession(playback, joined);
        }}
      />
      <ClusterForm
        onChoose={(origin) => {
          onDone();
          keepApi(origin);
          if (origin !== "") trustCluster(origin); // the user typed it
          void openSession(playback);
        }}
      />
    </div>
  );
}

function Facts() {
  const session = usePageState((state) => state.session);
  const node = usePageState((state) => state.node);
  const connection = usePageState((state) => state.connection);
  const stats = usePlaybackStats((all) => all);
  return (
    <dl className={styles.facts}>
      <Fact name="Viewers" value={String(session?.connections ?? none)} testId="watching" />
      <Fact name="Connection" value={connection} />
      <Fact name="Gateway" value={node || none} />
      <Fact name="Round trip" value={stats.latencyMs === undefined ? none : `${stats.latencyMs.toFixed(1)} ms`} />
      <Fact name="Frames per second" value={String(stats.framesPerSecond)} />
      <Fact name="Frames merged" value={countText(stats.framesSkipped)} />
      <Fact
        name="Page rendering"
        value={`${Math.round(stats.paintsPerSecond)} fps, ${Math.round(stats.busy * 100)} % busy`}
      />
      <Fact name="Epoch" value={String(session?.epoch ?? none)} />
      <Fact name="Tape" value={session?.tape ?? none} />
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string;
  readonly testId?: string;
}

function Fact({ name, value, testId }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={testId}>{value}</dd>
    </div>
  );
}

function JoinForm({ onJoin }: { readonly onJoin: (shared: SharedSession) => void }) {
  const [text, setText] = useState("");
  const shared = parseSessionLink(text);
  return (
    <form
      className={styles.line}
      onSubmit={(event) => {
        event.preventDefault();
        if (shared) onJoin(shared);
      }}
    >
      <Field text="Join a session: link or id">
        {(field) => (
          <Input
            id={field}
            value={text}
            aria-invalid={text !== "" && !shared}
            onChange={({ target }) => setText(target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="outlined" disabled={!shared}>
        Join
      </Button>
    </form>
  );
}

function ClusterForm({ onChoose }: { readonly onChoose: (origin: string) => void }) {
  const [text, setText] = useState(apiOrigin() === location.origin ? "" : apiOrigin());
  const valid = text === "" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol));
  return (
    <form
      className={styles.line}
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) onChoose(text === "" ? "" : new URL(text).origin);
      }}
    >
      <Field text="Use another cluster: its address">
        {(field) => (
          <Input
            id={field}
            placeholder={location.origin}
            value={text}
            aria-invalid={!valid}
            onChange={({ target }) => setText(target.value.trim())}
          />
        )}
      </Field>
      <Button type="submit" variant="outlined" disabled={!valid}>
        Connect
      </Button>
    </form>
  );
}

/** Pages that are not served over HTTPS have no clipboard API, except on localhost. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
