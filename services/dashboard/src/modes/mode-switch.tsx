import type { Mode } from "@tapedeck/client";
import { Segmented } from "../design/controls";
import type { PlaybackController } from "../playback/playback-controller";
import { usePageState, usePlayback } from "../playback-context";
import { lastLive, lastSimulation, lastTape } from "./mode-options";

const modes: readonly { readonly value: Mode; readonly text: string; readonly title: string }[] = [
  { value: "REPLAY", text: "REPLAY", title: "Play a recorded tape" },
  { value: "LIVE", text: "LIVE", title: "Follow a live market; you can pause and rewind it" },
  { value: "SIMULATION", text: "SIM", title: "Play a simulated market that you can trade in" },
];

export function ModeSwitch() {
  const playback = usePlayback();
  const mode = usePageState(({ session }) => session?.mode);
  return (
    <Segmented
      label="Mode"
      value={mode}
      options={modes}
      onChoose={(next) => {
        if (next !== mode) void switchMode(playback, next);
      }}
    />
  );
}

/** Returns to what the session last played in that mode, else to the last choice in this browser. */
export async function switchMode(playback: PlaybackController, mode: Mode): Promise<void> {
  const { session } = playback.store.getState();
  if (session?.kept_modes?.includes(mode)) await playback.mode({ mode });
  else if (mode === "LIVE") await playback.mode({ mode, ...lastLive.get() });
  else if (mode === "SIMULATION") await playback.mode({ mode, ...lastSimulation.get() });
  else {
    const tape = lastTape.get();
    const done = await playback.mode({ mode, ...(tape && { tape }) });
    // The tape may have been deleted; let the cluster choose one.
    if (!done && tape) await playback.mode({ mode });
    await playback.play();
  }
}
