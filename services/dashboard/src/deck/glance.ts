import { createStore, type StoreApi } from "zustand/vanilla";
import type { Deck } from "./deck";
import type { LoggedFrame } from "./frame-log";

export interface GlanceState {
  /** What the views show: the newest frame, or a past one under inspection. */
  readonly shown: LoggedFrame | undefined;
  readonly newest: LoggedFrame | undefined;
  readonly inspecting: boolean;
  readonly pinned: boolean;
  /** Grows with every change of the log: lists that are read from it are read again. */
  readonly turn: number;
}

export interface Rates {
  /** Frames of the market drawn by the page in the last second, and what share of the main thread drawing took, 0 to 1. */
  readonly paintsPerSecond: number;
  readonly busy: number;
  readonly framesPerSecond: number;
  readonly framesSkipped: number;
  readonly latencyMs: number | undefined;
}

/** The newest frame for those who read a few times a second: all of React does. */
export class Glance {
  readonly store: StoreApi<GlanceState> = createStore<GlanceState>(() => ({
    shown: undefined,
    newest: undefined,
    inspecting: false,
    pinned: false,
    turn: 0,
  }));
  readonly rates: StoreApi<Rates> = createStore<Rates>(() => ({
    paintsPerSecond: 0,
    busy: 0,
    framesPerSecond: 0,
    framesSkipped: 0,
    latencyMs: undefined,
  }));
  #undo: (() => void)[];

  constructor(deck: Deck) {
    const { painter } = deck;
    const glance = {
      everyMs: 125,
      paint: (): undefined => {
        if (this.store.getState().newest === undefined && deck.log.last) performance.mark("tapedeck:first-frame");
        const { seq, pinned } = deck.inspection.store.getState();
        this.store.setState(({ turn }) => ({
          shown: deck.inspection.shown,
          newest: deck.log.last,
          inspecting: seq !== undefined,
          pinned,
          turn: turn + 1,
        }));
      },
    };
    let [painted, busyMs, at] = [0, 0, performance.now()];
    const count = setInterval(() => {
      const now = performance.now();
      const stats = deck.session?.stats;
      this.rates.setState({
        paintsPerSecond: ((painter.painted - painted) * 1000) / (now - at),
        busy: (painter.busyMs - busyMs) / (now - at),
        framesPerSecond: stats?.framesPerSecond ?? 0,
        framesSkipped: stats?.framesSkipped ?? 0,
        latencyMs: stats?.latencyMs,
      });
      [painted, busyMs, at] = [painter.painted, painter.busyMs, now];
    }, 1000);
    this.#undo = [
      painter.add(glance),
      deck.inspection.store.subscribe(() => painter.wake()),
      deck.viewport.store.subscribe(() => painter.wake()),
      () => clearInterval(count),
    ];
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}
