import { useState } from "react";
import { Button, Field, IconButton, Input, Segmented } from "../design/controls";
import { speedText } from "../design/format";
import { Popover } from "../design/popover";
import { parseSpeed, presets } from "../playback/speeds";
import { usePageState, usePlayback } from "../playback-context";
import styles from "./transport-bar.module.css";

export function Speed() {
  const playback = usePlayback();
  const speed = usePageState(({ session }) => session?.speed ?? 1);
  const pace = usePageState(({ session }) => session?.pace);
  if (pace) return <LosslessPace speed={pace.speed} />;
  return (
    <div className={styles.group}>
      <Segmented
        className={styles.wideOnly}
        label="Speed"
        value={String(speed)}
        onChoose={(value) => void playback.speed(Number(value))}
        options={presets.map((preset) => ({ value: String(preset), text: speedText(preset) }))}
      />
      <IconButton icon="minus" size={13} label="Slower" hotkey="↓" onClick={() => void playback.stepSpeed(-1)} />
      <Popover label="Choose speed" button={speedText(speed)} buttonClass={styles.speedNow} side="above">
        {(close) => <SpeedChoice speed={speed} onChosen={close} />}
      </Popover>
      <IconButton icon="plus" size={13} label="Faster" hotkey="↑" onClick={() => void playback.stepSpeed(1)} />
    </div>
  );
}

/** The playhead waits for the session's readers: a program set this, and what it chose as the upper bound is shown. */
function LosslessPace({ speed }: { readonly speed: number | "max" }) {
  const playback = usePlayback();
  const bound = speed === "max" ? "" : `, at most ${speedText(speed)}`;
  return (
    <div className={styles.group}>
      <span
        className={styles.lossless}
        title="The playhead waits for the program that acknowledges this session's frames, and stands still without one"
      >
        Lossless pace{bound}
      </span>
      <Button
        title="Play by the clock again; the program may get merged frames"
        onClick={() => void playback.clockPace()}
      >
        By the clock
      </Button>
    </div>
  );
}

function SpeedChoice({ speed, onChosen }: { readonly speed: number; readonly onChosen: () => void }) {
  const playback = usePlayback();
  const [text, setText] = useState(String(speed));
  const wanted = parseSpeed(text);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted === undefined) return;
        void playback.speed(wanted);
        onChosen();
      }}
    >
      <div className={styles.presets}>
        {[0.1, 0.25, ...presets, 500, 1000].map((preset) => (
          <Button
            key={preset}
            variant="outlined"
            aria-pressed={preset === speed}
            onClick={() => {
              void playback.speed(preset);
              onChosen();
            }}
          >
            {speedText(preset)}
          </Button>
        ))}
      </div>
      <div className={styles.form}>
        <Field text="Custom, 0.1 to 1000">
          {(id) => (
            <Input
              id={id}
              data-autofocus
              inputMode="decimal"
              value={text}
              aria-invalid={wanted === undefined}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <Button type="submit" variant="outlined" disabled={wanted === undefined}>
          Set
        </Button>
      </div>
    </form>
  );
}
