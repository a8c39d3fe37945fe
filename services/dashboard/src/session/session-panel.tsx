import { useState } from "react";
import { Button, Field, IconButton, Input } from "../design/controls";
import { countText, none } from "../design/format";
import { usePlayback, usePlaybackState, usePlaybackStats } from "../playback-context";
import { accessToken } from "./access-token";
import { joinSession, leaveShared, openNewSession, openSession } from "./open-session";
import styles from "./session.module.css";
import { apiOrigin, keepApi, parseSessionLink, type SharedSession } from "./session-links";
import { type ShareRole, shareLink } from "./share";
import { trustCluster } from "./trusted-clusters";

export function SessionPanel({ onDone }: { readonly onDone: () => void }) {
  const playback = usePlayback();
  const session = usePlaybackState((state) => state.session);
  const shared = usePlaybackState((state) => state.shared);
  const node = usePlaybackState((state) => state.node);
  const connection = usePlaybackState((state) => state.connection);
  const rates = usePlaybackStats((all) => all);
  const copy = async (text: string, what: string) => {
    const done = await copyText(text);
    playback.notify(done ? "info" : "problem", done ? `${what} copied.` : `${what} could not be copied: ${text}`);
  };
  /** The cluster knows its users: links say what whoever has them may do. */
  const known = accessToken(apiOrigin()) !== undefined;
  const copyLink = async (id: string, role: ShareRole) => {
    try {
      await copy(await shareLink(id, role), "The link was");
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
              label="Copy the session's id"
              onClick={() => void copy(session.session_id, "The id was")}
            />
          </div>
          <div className={styles.buttons}>
            <Button variant="primary" data-first onClick={() => void copyLink(session.session_id, "controller")}>
              Copy link
            </Button>
            {known && (
              <Button variant="outlined" onClick={() => void copyLink(session.session_id, "viewer")}>
                Copy link to watch only
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
                Back to mine
              </Button>
            )}
          </div>
          <dl className={styles.facts}>
            <Fact name="Watching now" value={String(session.connections)} testId="watching" />
            <Fact name="Connection" value={connection} />
            <Fact name="Gateway" value={node || none} />
            <Fact name="Round trip" value={rates.latencyMs === undefined ? none : `${rates.latencyMs.toFixed(1)} ms`} />
            <Fact name="Frames a second" value={String(rates.framesPerSecond)} />
            <Fact name="Frames merged" value={countText(rates.framesSkipped)} />
            <Fact
              name="Page draws"
              value={`${Math.round(rates.paintsPerSecond)} fps, ${Math.round(rates.busy * 100)} %`}
            />
            <Fact name="Epoch" value={String(session.epoch)} />
            <Fact name="Tape" value={session.tape ?? none} />
          </dl>
        </>
      )}
      <JoinForm
        onJoin={(shared) => {
          onDone();
          void joinSession(playback, shared);
        }}
      />
      <ServerForm
        onServer={(origin) => {
          onDone();
          keepApi(origin);
          if (origin !== "") trustCluster(origin); // the user has written it
          void openSession(playback);
        }}
      />
    </div>
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
      <Field text="Watch somebody's session: link or id">
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

function ServerForm({ onServer }: { readonly onServer: (origin: string) => void }) {
  const [text, setText] = useState(apiOrigin() === location.origin ? "" : apiOrigin());
  const valid = text === "" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol));
  return (
    <form
      className={styles.line}
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) onServer(text === "" ? "" : new URL(text).origin);
      }}
    >
      <Field text="Cluster, if it is not where this page came from">
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
        Use
      </Button>
    </form>
  );
}

/** Pages that are not served over HTTPS have no clipboard of the modern kind, except on localhost. */
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
