import { createStore, type StoreApi } from "zustand/vanilla";
import type { LoggedFrame } from "./frame-log";
import type { PlaybackController } from "./playback-controller";

export interface FrameSample {
  /** What the views show: the newest frame, or a past one under inspection. */
  readonly shown: LoggedFrame | undefined;
  readonly newest: LoggedFrame | undefined;
  readonly inspecting: boolean;
  readonly pinned: boolean;
  /** Grows with every change of the log: lists that are read from it are read again. */
  readonly version: number;
}

export interface PlaybackStats {
  /** Frames of the market drawn by the page in the last second, and what share of the main thread drawing took, 0 to 1. */
  readonly paintsPerSecond: number;
  readonly busy: number;
  readonly framesPerSecond: number;
  readonly framesSkipped: number;
  readonly latencyMs: number | undefined;
}

/** The newest frame for those who read a few times a second: all of React does. */
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
  #undo: (() => void)[];

  constructor(playback: PlaybackController) {
    const { animation } = playback;
    const glance = {
      everyMs: 125,
      paint: (): undefined => {
        if (this.store.getState().newest === undefined && playback.log.last) performance.mark("tapedeck:first-frame");
        const { seq, pinned } = playback.inspection.store.getState();
        this.store.setState(({ version }) => ({
          shown: playback.inspection.shown,
          newest: playback.log.last,
          inspecting: seq !== undefined,
          pinned,
          version: version + 1,
        }));
      },
    };
    let [painted, busyMs, at] = [0, 0, performance.now()];
    const count = setInterval(() => {
      const now = performance.now();
      const stats = playback.session?.stats;
      this.stats.setState({
        paintsPerSecond: ((animation.paints - painted) * 1000) / (now - at),
        busy: (animation.busyMs - busyMs) / (now - at),
        framesPerSecond: stats?.framesPerSecond ?? 0,
        framesSkipped: stats?.framesSkipped ?? 0,
        latencyMs: stats?.latencyMs,
      });
      [painted, busyMs, at] = [animation.paints, animation.busyMs, now];
    }, 1000);
    this.#undo = [
      animation.add(glance),
      playback.inspection.store.subscribe(() => animation.invalidate()),
      playback.viewport.store.subscribe(() => animation.invalidate()),
      () => clearInterval(count),
    ];
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
