import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { FrameSample, FrameSampler, PlaybackStats } from "./playback/frame-sampler";
import type { PlaybackController } from "./playback/playback-controller";
import type { PlaybackState } from "./playback/playback-state";

export const PlaybackContext = createContext<
  { readonly playback: PlaybackController; readonly sampler: FrameSampler } | undefined
>(undefined);

function usePlaybackContext() {
  const both = useContext(PlaybackContext);
  if (!both) throw new Error("outside of the deck's page");
  return both;
}

export function usePlayback(): PlaybackController {
  return usePlaybackContext().playback;
}

/** A part of what is known of the session; renders again when that part changes. */
export function usePlaybackState<Part>(select: (state: PlaybackState) => Part): Part {
  return useStore(usePlaybackContext().playback.store, select);
}

/** A part of what is shown, a few times a second. */
export function useFrameSample<Part>(select: (state: FrameSample) => Part): Part {
  return useStore(usePlaybackContext().sampler.store, select);
}

export function usePlaybackStats<Part>(select: (rates: PlaybackStats) => Part): Part {
  return useStore(usePlaybackContext().sampler.stats, select);
}
