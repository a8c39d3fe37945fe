import type { TapeView } from "@tapedeck/client";
import { useEffect, useState } from "react";
import { Input } from "../design/controls";
import { clockText, countText, dateText, lengthText } from "../design/format";
import { usePlayback, usePlaybackState } from "../playback-context";
import { lastTape } from "./mode-options";
import styles from "./modes.module.css";

export function TapeChooser({ onChosen }: { readonly onChosen: () => void }) {
  const playback = usePlayback();
  const playing = usePlaybackState(({ session }) => session?.tape);
  const [tapes, setTapes] = useState<readonly TapeView[] | string | undefined>();
  const [text, setText] = useState("");
  useEffect(() => {
    let here = true;
    playback.cluster?.tapes.list().then(
      (list) => here && setTapes(list),
      (error: unknown) => here && setTapes(error instanceof Error ? error.message : "The tapes could not be listed."),
    );
    return () => {
      here = false;
    };
  }, [playback]);
  if (tapes === undefined) return <p className={styles.note}>Looking for tapes…</p>;
  if (typeof tapes === "string") return <p className={styles.note}>{tapes}</p>;
  if (tapes.length === 0) return <p className={styles.note}>There is no tape yet.</p>;
  const wanted = text.trim().toLowerCase();
  const found = tapes.filter(({ id, symbol, source }) => `${id} ${symbol} ${source}`.toLowerCase().includes(wanted));
  return (
    <>
      <Input
        data-first
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
              <small>{tape.growing ? "being recorded" : tape.gaps.length > 0 ? `${tape.gaps.length} gaps` : ""}</small>
            </button>
          </li>
        ))}
        {found.length === 0 && <li className={styles.note}>No tape is called that.</li>}
      </ul>
    </>
  );
}
