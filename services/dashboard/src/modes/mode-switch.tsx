import type { Mode } from "@tapedeck/client";
import type { Deck } from "../deck/deck";
import { useDeck, useDeckState } from "../deck-context";
import { Segmented } from "../design/controls";
import { lastLive, lastSimulation, lastTape } from "./choices";

const modes: readonly { readonly value: Mode; readonly text: string; readonly title: string }[] = [
  { value: "REPLAY", text: "REPLAY", title: "A recorded tape" },
  { value: "LIVE", text: "LIVE", title: "A market as it goes on; pausing it is time-shift" },
  { value: "SIMULATION", text: "SIM", title: "A market made of a seed, in which you can trade" },
];

export function ModeSwitch() {
  const deck = useDeck();
  const mode = useDeckState(({ session }) => session?.mode);
  return (
    <Segmented
      label="Mode"
      value={mode}
      options={modes}
      onChoose={(next) => {
        if (next !== mode) void switchMode(deck, next);
      }}
    />
  );
}

/** Back to what the session has kept of that mode; to what was chosen last where it has not been in it. */
export async function switchMode(deck: Deck, mode: Mode): Promise<void> {
  const { session } = deck.store.getState();
  if (session?.kept_modes?.includes(mode)) await deck.mode({ mode });
  else if (mode === "LIVE") await deck.mode({ mode, ...lastLive.get() });
  else if (mode === "SIMULATION") await deck.mode({ mode, ...lastSimulation.get() });
  else {
    const tape = lastTape.get();
    const done = await deck.mode({ mode, ...(tape && { tape }) });
    // The tape may have been deleted since; any other will do.
    if (!done && tape) await deck.mode({ mode });
    await deck.play();
  }
}
