import type { Mode } from "@tapedeck/client";
import { Segmented } from "../design/controls";
import type { PlaybackController } from "../playback/playback-controller";
import { usePlayback, usePlaybackState } from "../playback-context";
import { lastLive, lastSimulation, lastTape } from "./mode-options";

const modes: readonly { readonly value: Mode; readonly text: string; readonly title: string }[] = [
  { value: "REPLAY", text: "REPLAY", title: "A recorded tape" },
  { value: "LIVE", text: "LIVE", title: "A market as it goes on; pausing it is time-shift" },
  { value: "SIMULATION", text: "SIM", title: "A market made of a seed, in which you can trade" },
];

export function ModeSwitch() {
  const playback = usePlayback();
  const mode = usePlaybackState(({ session }) => session?.mode);
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

/** Back to what the session has kept of that mode; to what was chosen last where it has not been in it. */
export async function switchMode(playback: PlaybackController, mode: Mode): Promise<void> {
  const { session } = playback.store.getState();
  if (session?.kept_modes?.includes(mode)) await playback.mode({ mode });
  else if (mode === "LIVE") await playback.mode({ mode, ...lastLive.get() });
  else if (mode === "SIMULATION") await playback.mode({ mode, ...lastSimulation.get() });
  else {
    const tape = lastTape.get();
    const done = await playback.mode({ mode, ...(tape && { tape }) });
    // The tape may have been deleted since; any other will do.
    if (!done && tape) await playback.mode({ mode });
    await playback.play();
  }
}
