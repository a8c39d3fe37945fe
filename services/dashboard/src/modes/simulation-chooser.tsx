import { useState } from "react";
import { Button, Field, Input, Select } from "../design/controls";
import { usePlayback } from "../playback-context";
import { lastSimulation, scenarios } from "./mode-options";
import styles from "./modes.module.css";

export function SimulationChooser({ onChosen }: { readonly onChosen: () => void }) {
  const playback = usePlayback();
  const [choice, setChoice] = useState(lastSimulation.get());
  const valid = /^[A-Za-z0-9_-]{1,24}$/.test(choice.seed) && /^[A-Za-z0-9_-]{1,20}$/.test(choice.symbol);
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!valid) return;
        lastSimulation.set(choice);
        void playback.mode({ mode: "SIMULATION", ...choice }).then((done) => done && playback.play());
        onChosen();
      }}
    >
      <Field text="Seed: the same one makes the same market">
        {(id) => (
          <Input
            id={id}
            data-first
            value={choice.seed}
            aria-invalid={!valid}
            onChange={({ target }) => setChoice({ ...choice, seed: target.value.trim() })}
          />
        )}
      </Field>
      <Field text="Symbol">
        {(id) => (
          <Input
            id={id}
            value={choice.symbol}
            onChange={({ target }) => setChoice({ ...choice, symbol: target.value.trim() })}
          />
        )}
      </Field>
      <Field text="Scenario">
        {(id) => (
          <Select
            id={id}
            value={choice.scenario}
            onChange={({ target }) => setChoice({ ...choice, scenario: target.value })}
          >
            {scenarios.map(({ value, text }) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Button type="submit" variant="primary" disabled={!valid}>
        Play
      </Button>
    </form>
  );
}
