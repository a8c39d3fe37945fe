import { useState } from "react";
import { useDeck } from "../deck-context";
import { Button, Field, Input, Select } from "../design/controls";
import { lastSimulation, scenarios } from "./choices";
import styles from "./modes.module.css";

export function SimulationChooser({ onChosen }: { readonly onChosen: () => void }) {
  const deck = useDeck();
  const [choice, setChoice] = useState(lastSimulation.get());
  const valid = /^[A-Za-z0-9_-]{1,24}$/.test(choice.seed) && /^[A-Za-z0-9_-]{1,20}$/.test(choice.symbol);
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!valid) return;
        lastSimulation.set(choice);
        void deck.mode({ mode: "SIMULATION", ...choice }).then((done) => done && deck.play());
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
      <Button type="submit" look="primary" disabled={!valid}>
        Play
      </Button>
    </form>
  );
}
