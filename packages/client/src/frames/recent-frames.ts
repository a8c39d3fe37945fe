import type { Frame } from "@tapedeck/protocol";
import { limits } from "@tapedeck/protocol/wire";
import type { History } from "./frame-sequencer.js";

/** The newest frames of the present epoch, as many as a newcomer's history has: for those who begin to listen late. */
export class RecentFrames {
  #frames: Frame[] = [];
  #epoch = 0;
  #known = false;

  replace({ frames, epoch }: History): void {
    this.#frames = frames.slice(-limits.historyFrames);
    this.#epoch = epoch;
    this.#known = true;
  }

  /** HOT: once per frame. */
  add(frame: Frame, epoch: number): void {
    if (epoch !== this.#epoch) this.replace({ frames: [], epoch, complete: true });
    this.#frames.push(frame);
    // Cut now and then, not each time: a shift moves the whole array.
    if (this.#frames.length >= 2 * limits.historyFrames) this.#frames = this.#frames.slice(-limits.historyFrames);
  }

  /** Undefined while nothing has come yet. */
  history(): History | undefined {
    if (!this.#known) return undefined;
    return { frames: this.#frames.slice(-limits.historyFrames), epoch: this.#epoch, complete: true };
  }
}
