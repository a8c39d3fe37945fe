import { useState } from "react";
import { Button, Field, IconButton, Input } from "../design/controls";
import { parseLength, spanText } from "../design/format";
import { Icon } from "../design/icon";
import { persisted } from "../design/persisted";
import { Popover } from "../design/popover";
import { usePlayback } from "../playback-context";
import styles from "./transport-bar.module.css";

const presets = [5_000, 10_000, 30_000, 60_000, 300_000, 900_000];
const kept = persisted("tapedeck_rewind", 10_000);

/** Rewinds by the length chosen last; the button beside it offers others. */
export function Rewind() {
  const playback = usePlayback();
  const [by, setBy] = useState(kept.get());
  const rewind = (ms: number) => {
    kept.set(ms);
    setBy(ms);
    void playback.rewind(ms);
  };
  return (
    <>
      <IconButton icon="rewind" label={`Rewind ${spanText(by)}`} onClick={() => void playback.rewind(by)} />
      <Popover
        label="Choose rewind length"
        button={
          <>
            <span>{spanText(by)}</span>
            <Icon name="chevron" size={12} />
          </>
        }
        side="above"
      >
        {(close) => (
          <RewindChoice
            by={by}
            onChoose={(ms) => {
              rewind(ms);
              close();
            }}
          />
        )}
      </Popover>
    </>
  );
}

function RewindChoice({ by, onChoose }: { readonly by: number; readonly onChoose: (ms: number) => void }) {
  const [text, setText] = useState("");
  const ms = parseLength(text);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ms !== undefined && ms > 0) onChoose(ms);
      }}
    >
      <div className={styles.presets}>
        {presets.map((preset) => (
          <Button key={preset} variant="outlined" aria-pressed={preset === by} onClick={() => onChoose(preset)}>
            {spanText(preset)}
          </Button>
        ))}
      </div>
      <div className={styles.form}>
        <Field text="Other length">
          {(id) => (
            <Input
              id={id}
              placeholder="90s, 2m, 1:30"
              value={text}
              aria-invalid={text !== "" && ms === undefined}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <Button type="submit" variant="outlined" disabled={ms === undefined}>
          Rewind
        </Button>
      </div>
    </form>
  );
}
