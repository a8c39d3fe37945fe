import type { TapeView } from "@tapedeck/client";
import { useEffect, useState } from "react";
import { Button, Field, Input, Select } from "../design/controls";
import { clockText, countText, dateText, lengthText } from "../design/format";
import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { usePageState, usePlayback } from "../playback-context";
import { lastLive, lastSimulation, lastTape, liveSources, scenarios } from "./mode-options";
import styles from "./source-picker.module.css";

/** Shows what the session plays, and offers other sources of the same mode. */
export function SourcePicker() {
  const session = usePageState((state) => state.session);
  const tape = usePageState((state) => state.tape);
  if (!session) return null;
  const { mode } = session;
  const name =
    mode === "REPLAY"
      ? (tape?.symbol ?? session.tape ?? "No tape")
      : mode === "LIVE"
        ? `${session.active_source ?? ""} ${session.active_symbol ?? ""}`
        : describeSimulation(session.tape);
  const label = { REPLAY: "Choose a tape", LIVE: "Choose a market", SIMULATION: "Choose a simulated market" }[mode];
  return (
    <Popover
      label={label}
      className={styles.chooser}
      buttonClass={styles.source}
      button={
        <>
          <span className={styles.sourceName}>
            <strong>{name}</strong>
            {mode === "REPLAY" && tape && <small>{tape.source}</small>}
          </span>
          <Icon name="chevron" size={12} />
        </>
      }
    >
      {(close) =>
        mode === "REPLAY" ? (
          <TapeChooser onChosen={close} />
        ) : mode === "LIVE" ? (
          <LiveChooser onChosen={close} />
        ) : (
          <SimulationChooser onChosen={close} />
        )
      }
    </Popover>
  );
}

/** `sim1.BTCUSDT.42.mixed@1` → `BTCUSDT · 42 · mixed`. */
function describeSimulation(tape: string | null): string {
  const [, symbol, seed, scenario] = /^sim\d+\.([^.]+)\.([^.]+)\.([^@~]+)/.exec(tape ?? "") ?? [];
  return symbol ? `${symbol} · seed ${seed} · ${scenario?.replaceAll("_", " ")}` : (tape ?? "Simulated market");
}

function TapeChooser({ onChosen }: { readonly onChosen: () => void }) {
  const playback = usePlayback();
  const playing = usePageState(({ session }) => session?.tape);
  const [tapes, setTapes] = useState<readonly TapeView[] | string | undefined>();
  const [text, setText] = useState("");
  useEffect(() => {
    let mounted = true;
    playback.cluster?.tapes.list().then(
      (list) => mounted && setTapes(list),
      (error: unknown) => mounted && setTapes(error instanceof Error ? error.message : "Cannot list the tapes."),
    );
    return () => {
      mounted = false;
    };
  }, [playback]);
  if (tapes === undefined) return <p className={styles.note}>Loading tapes…</p>;
  if (typeof tapes === "string") return <p className={styles.note}>{tapes}</p>;
  if (tapes.length === 0) return <p className={styles.note}>No tapes yet.</p>;
  const wanted = text.trim().toLowerCase();
  const found = tapes.filter(({ id, symbol, source }) => `${id} ${symbol} ${source}`.toLowerCase().includes(wanted));
  return (
    <>
      <Input
        data-autofocus
        className={styles.search}
        type="search"
        aria-label="Search tapes"
        placeholder="Search symbol, source or id"
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <ul className={styles.tapes}>
        {found.map((tape) => (
          <li key={`${tape.id}@${tape.version}`}>
            <button
              type="button"
              className={styles.tape}
              aria-current={playing === `${tape.id}@${tape.version}`}
              onClick={() => {
                lastTape.set(tape.id);
                void playback.mode({ mode: "REPLAY", tape: tape.id }).then((done) => done && playback.play());
                onChosen();
              }}
            >
              <strong>{tape.symbol}</strong>
              <span>{tape.source}</span>
              <span>
                {dateText(Date.parse(tape.from))} {clockText(Date.parse(tape.from), 0)}
              </span>
              <span>{lengthText(tape.duration_ms)}</span>
              <span>{countText(tape.frames)} frames</span>
              <small>{tape.growing ? "recording" : tape.gaps.length > 0 ? `${tape.gaps.length} gaps` : ""}</small>
            </button>
          </li>
        ))}
        {found.length === 0 && <li className={styles.note}>No matching tapes.</li>}
      </ul>
    </>
  );
}

function LiveChooser({ onChosen }: { readonly onChosen: () => void }) {
  const playback = usePlayback();
  const session = usePageState((state) => state.session);
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
            data-autofocus
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

function SimulationChooser({ onChosen }: { readonly onChosen: () => void }) {
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
      <Field text="Seed: the same seed gives the same market">
        {(id) => (
          <Input
            id={id}
            data-autofocus
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
