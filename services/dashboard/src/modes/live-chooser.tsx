import { useState } from "react";
import { Button, Field, Input, Select } from "../design/controls";
import { usePlayback, usePlaybackState } from "../playback-context";
import { lastLive, liveSources } from "./mode-options";
import styles from "./modes.module.css";

export function LiveChooser({ onChosen }: { readonly onChosen: () => void }) {
  const playback = usePlayback();
  const session = usePlaybackState((state) => state.session);
  const [source, setSource] = useState(session?.active_source ?? lastLive.get().source);
  const [symbol, setSymbol] = useState(session?.active_symbol ?? lastLive.get().symbol);
  const wanted = symbol.trim().toUpperCase();
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!wanted) return;
        lastLive.set({ source, symbol: wanted });
        void playback.mode({ mode: "LIVE", source, symbol: wanted });
        onChosen();
      }}
    >
      <Field text="Source">
        {(id) => (
          <Select
            id={id}
            value={source}
            onChange={({ target }) => {
              setSource(target.value);
              setSymbol(liveSources[target.value] ?? symbol);
            }}
          >
            {[...new Set([...Object.keys(liveSources), source])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field text="Symbol">
        {(id) => (
          <Input
            id={id}
            data-first
            value={symbol}
            aria-invalid={wanted === ""}
            onChange={({ target }) => setSymbol(target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary" disabled={wanted === ""}>
        Watch
      </Button>
    </form>
  );
}
