import { useState } from "react";
import { Button, Field, Input } from "../design/controls";
import { clockText, dateText, lengthText, none } from "../design/format";
import { Popover } from "../design/popover";
import { useFrameSample, usePlayback, usePlaybackState } from "../playback-context";
import { isSimulated } from "../scrubber/tape-range";
import { parseTapeTime } from "./parse-time";
import styles from "./transport-bar.module.css";

/** Where the playhead is: time and date in UTC, and how far into the tape. A click asks for another time. */
export function Clock() {
  const ms = useFrameSample(({ newest }) => newest?.ms);
  const tape = usePlaybackState((deck) => deck.tape);
  const begin = tape && Date.parse(tape.from);
  const place =
    tape && begin !== undefined && ms !== undefined
      ? `${lengthText(ms - begin)}${isSimulated(tape) ? "" : ` / ${lengthText(Math.max(Date.parse(tape.to), ms) - begin)}`}`
      : "";
  return (
    <Popover
      label="Go to a time"
      side="above"
      button={
        <span className={styles.clock}>
          <strong data-testid="clock">{ms === undefined ? "––:––:––" : clockText(ms)}</strong>
          <span>UTC</span>
          <span>{ms === undefined ? none : dateText(ms)}</span>
          <span>{place}</span>
        </span>
      }
      buttonClass={styles.clockButton}
    >
      {(close) => <GoTo near={ms ?? 0} onGone={close} />}
    </Popover>
  );
}

function GoTo({ near, onGone }: { readonly near: number; readonly onGone: () => void }) {
  const playback = usePlayback();
  const [text, setText] = useState(near > 0 ? `${dateText(near)} ${clockText(near)}` : "");
  const [from] = useState(near);
  const ts = parseTapeTime(text, from);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ts === undefined) return;
        void playback.seek({ ts });
        onGone();
      }}
    >
      <div className={styles.form}>
        <Field text="Go to a time (UTC)">
          {(id) => (
            <Input
              id={id}
              data-first
              style={{ width: 190 }}
              value={text}
              aria-invalid={ts === undefined}
              onFocus={({ target }) => target.select()}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <Button type="submit" variant="outlined" disabled={ts === undefined}>
          Go
        </Button>
      </div>
      <p className={styles.hint}>For example 12:03:04.5, or with a date.</p>
    </form>
  );
}
