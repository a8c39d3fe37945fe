import { createStore, type StoreApi } from "zustand/vanilla";
import type { FrameLog, LoggedFrame } from "./frame-log";

interface InspectionState {
  /** Seq of the past frame that the views show instead of the newest one. */
  readonly seq: number | undefined;
  /** Pinned by a click or a key, so that it stays when the pointer leaves. */
  readonly pinned: boolean;
}

/**
 * Which frame the views show: the newest one, or a past one that is pinned, or under the pointer while playback is not running. The
 * playhead stays where it is.
 */
export class Inspection {
  readonly store: StoreApi<InspectionState> = createStore<InspectionState>(() => ({ seq: undefined, pinned: false }));
  #log: FrameLog;

  constructor(log: FrameLog) {
    this.#log = log;
  }

  /** Shows the frame under the pointer, unless one is pinned. */
  point(seq: number | undefined): void {
    const { pinned, seq: now } = this.store.getState();
    if (!pinned && now !== seq) this.store.setState({ seq });
  }

  pin(seq: number): void {
    this.store.setState({ seq, pinned: true });
  }

  release(): void {
    const { seq } = this.store.getState();
    if (seq !== undefined) this.store.setState({ seq: undefined, pinned: false });
  }

  /** Pins the frame that is `by` frames after the shown one (before it, if negative). */
  move(by: number): void {
    const log = this.#log;
    const from = this.index();
    const to = Math.max(0, Math.min(log.length - 1, from + by));
    const logged = log.at(to);
    if (!logged) return;
    if (to === log.length - 1) this.release();
    else this.pin(logged.frame.seq);
  }

  /** Index in the log of the shown frame; -1 if the log is empty. */
  index(): number {
    const { seq } = this.store.getState();
    const found = seq === undefined ? -1 : this.#log.indexOfSeq(seq);
    return found >= 0 ? found : this.#log.length - 1;
  }

  get shown(): LoggedFrame | undefined {
    return this.#log.at(this.index());
  }
}
