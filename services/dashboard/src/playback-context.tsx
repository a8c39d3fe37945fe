import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { FrameSample, FrameSampler, PlaybackStats } from "./playback/frame-sampler";
import type { PageState } from "./playback/page-state";
import type { PlaybackController } from "./playback/playback-controller";

interface PlaybackContextValue {
  readonly playback: PlaybackController;
  readonly sampler: FrameSampler;
}

export const PlaybackContext = createContext<PlaybackContextValue | undefined>(undefined);

function usePlaybackContext(): PlaybackContextValue {
  const value = useContext(PlaybackContext);
  if (!value) throw new Error("PlaybackContext is missing");
  return value;
}

export function usePlayback(): PlaybackController {
  return usePlaybackContext().playback;
}

/** Renders again when the selected part of the session's state changes. */
export function usePageState<Part>(select: (state: PageState) => Part): Part {
  return useStore(usePlaybackContext().playback.store, select);
}

/** A part of what is shown, a few times per second. */
export function useFrameSample<Part>(select: (sample: FrameSample) => Part): Part {
  return useStore(usePlaybackContext().sampler.store, select);
}

/** Once per second. */
export function usePlaybackStats<Part>(select: (stats: PlaybackStats) => Part): Part {
  return useStore(usePlaybackContext().sampler.stats, select);
}
