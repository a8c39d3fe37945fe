import { createStore, type StoreApi } from "zustand/vanilla";
import type { FrameLog } from "./frame-log";

interface ViewportState {
  /** Visible tape time in ms; undefined: derived from the speed. */
  readonly spanMs: number | undefined;
  /** Right edge in ms since 1970; undefined: follows the playhead. */
  readonly endMs: number | undefined;
}

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400].map((s) => s * 1000);
const minSpanMs = 2_000;
const maxSpanMs = 86_400_000;

/** The time window that heatmap and gauges share. */
export class Viewport {
  readonly store: StoreApi<ViewportState> = createStore<ViewportState>(() => ({
    spanMs: undefined,
    endMs: undefined,
  }));
  #log: FrameLog;
  #speed = 1;

  constructor(log: FrameLog) {
    this.#log = log;
  }

  /** Unless the user chose a span, up to a minute of wall time is shown, which is more tape time at higher speeds. */
  setSpeed(speed: number): void {
    this.#speed = speed;
  }

  get spanMs(): number {
    const chosen = this.store.getState().spanMs;
    if (chosen !== undefined) return chosen;
    const seen = (this.#log.last?.ms ?? 0) - (this.#log.first?.ms ?? 0);
    const wanted = Math.min(60_000 * Math.max(1, this.#speed), Math.max(10_000, seen));
    return steps.find((step) => step >= wanted) ?? maxSpanMs;
  }

  /** With some room to the right of the newest frame. */
  get window(): TimeWindow {
    const span = this.spanMs;
    const end = this.store.getState().endMs ?? (this.#log.last?.ms ?? 0) + span * 0.04;
    return { from: end - span, to: end };
  }

  choose(spanMs: number | undefined): void {
    this.store.setState({ spanMs, endMs: undefined });
  }

  /** Zooms by a factor around a fixed point: 0 left edge, 1 right edge. */
  zoom(factor: number, about: number): void {
    const { from, to } = this.window;
    const spanMs = Math.min(maxSpanMs, Math.max(minSpanMs, (to - from) * factor));
    const { endMs } = this.store.getState();
    const fixed = from + (to - from) * about;
    this.store.setState({ spanMs, endMs: endMs === undefined ? undefined : fixed + spanMs * (1 - about) });
  }

  /** Moves the window by tape time. At the newest frame it follows the playhead again. */
  pan(ms: number): void {
    const { to } = this.window;
    const newest = (this.#log.last?.ms ?? 0) + this.spanMs * 0.04;
    const end = to + ms;
    this.store.setState({ endMs: end >= newest ? undefined : Math.max(end, (this.#log.first?.ms ?? end) + 500) });
  }

  follow(): void {
    this.store.setState({ endMs: undefined });
  }
}
