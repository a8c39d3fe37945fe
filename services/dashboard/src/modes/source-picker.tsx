import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { usePlaybackState } from "../playback-context";
import { LiveChooser } from "./live-chooser";
import styles from "./modes.module.css";
import { SimulationChooser } from "./simulation-chooser";
import { TapeChooser } from "./tape-chooser";

/** What the deck plays, and the way to something else of the same mode. */
export function SourcePicker() {
  const session = usePlaybackState((state) => state.session);
  const tape = usePlaybackState((state) => state.tape);
  if (!session) return null;
  const { mode } = session;
  const name =
    mode === "REPLAY"
      ? (tape?.symbol ?? session.tape ?? "no tape")
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
  return symbol ? `${symbol} · seed ${seed} · ${scenario?.replaceAll("_", " ")}` : (tape ?? "simulated market");
}
