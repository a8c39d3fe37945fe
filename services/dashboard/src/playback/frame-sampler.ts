import { createStore, type StoreApi } from "zustand/vanilla";
import type { LoggedFrame } from "./frame-log";
import type { PlaybackController } from "./playback-controller";

export interface FrameSample {
  /** What the views show: the newest frame, or the inspected one. */
  readonly shown: LoggedFrame | undefined;
  readonly newest: LoggedFrame | undefined;
  readonly inspecting: boolean;
  readonly pinned: boolean;
  /** Grows with every sample, so that lists derived from the log are read again. */
  readonly version: number;
}

export interface PlaybackStats {
  /** Paints of the page in the last second. */
  readonly paintsPerSecond: number;
  /** Share of the main thread that painting took, 0 to 1. */
  readonly busy: number;
  readonly framesPerSecond: number;
  readonly framesSkipped: number;
  readonly latencyMs: number | undefined;
}

/** Samples the frame log a few times per second for React, which would be too slow for every frame. Lives as long as the page. */
export class FrameSampler {
  readonly store: StoreApi<FrameSample> = createStore<FrameSample>(() => ({
    shown: undefined,
    newest: undefined,
    inspecting: false,
    pinned: false,
    version: 0,
  }));
  readonly stats: StoreApi<PlaybackStats> = createStore<PlaybackStats>(() => ({
    paintsPerSecond: 0,
    busy: 0,
    framesPerSecond: 0,
    framesSkipped: 0,
    latencyMs: undefined,
  }));

  constructor(playback: PlaybackController) {
    const { animation, inspection, viewport, log } = playback;
    animation.add({
      everyMs: 125,
      paint: (): undefined => {
        if (this.store.getState().newest === undefined && log.last) performance.mark("tapedeck:first-frame");
        const { seq, pinned } = inspection.store.getState();
        this.store.setState(({ version }) => ({
          shown: inspection.shown,
          newest: log.last,
          inspecting: seq !== undefined,
          pinned,
          version: version + 1,
        }));
      },
    });
    inspection.store.subscribe(() => animation.invalidate());
    viewport.store.subscribe(() => animation.invalidate());
    let [paints, busyMs, at] = [0, 0, performance.now()];
    setInterval(() => {
      const now = performance.now();
      const stats = playback.session?.stats;
      this.stats.setState({
        paintsPerSecond: ((animation.paints - paints) * 1000) / (now - at),
        busy: (animation.busyMs - busyMs) / (now - at),
        framesPerSecond: stats?.framesPerSecond ?? 0,
        framesSkipped: stats?.framesSkipped ?? 0,
        latencyMs: stats?.latencyMs,
      });
      [paints, busyMs, at] = [animation.paints, animation.busyMs, now];
    }, 1000);
  }
}
