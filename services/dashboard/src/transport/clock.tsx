import { useState } from "react";
import { Button, Field, Input } from "../design/controls";
import { clockText, dateText, lengthText, none, parseTapeTime } from "../design/format";
import { Popover } from "../design/popover";
import { useFrameSample, usePageState, usePlayback } from "../playback-context";
import { isSimulated } from "../scrubber/tape-axis";
import styles from "./transport-bar.module.css";

/** The playhead's time and date in UTC, and the time since the start of the tape. A click opens a field for another time. */
export function Clock() {
  const ms = useFrameSample(({ newest }) => newest?.ms);
  const tape = usePageState((state) => state.tape);
  const begin = tape && Date.parse(tape.from);
  const place =
    tape && begin !== undefined && ms !== undefined
      ? `${lengthText(ms - begin)}${isSimulated(tape) ? "" : ` / ${lengthText(Math.max(Date.parse(tape.to), ms) - begin)}`}`
      : "";
  return (
    <Popover
      label="Go to time"
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
      {(close) => <GoTo near={ms ?? 0} onDone={close} />}
    </Popover>
  );
}

function GoTo({ near, onDone }: { readonly near: number; readonly onDone: () => void }) {
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
        onDone();
      }}
    >
      <div className={styles.form}>
        <Field text="Go to time (UTC)">
          {(id) => (
            <Input
              id={id}
              data-autofocus
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
      <p className={styles.hint}>For example 12:03:04.5 or 2024-07-18 12:03.</p>
    </form>
  );
}
