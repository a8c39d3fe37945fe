import type { ImportProgress } from "@tapedeck/tape";
import { formatCount, formatDuration } from "./format.js";

const barWidth = 20;
/** Before this the rate says little of the rest. */
const settledMs = 1_000;

/** The line of the terminal that shows how far an import is: `[#####...............]  25 %  120,000 lines  60,000/s  0:00:06 left`. */
export class ImportProgressLine {
  #startedMs: number;
  #bytes = 0;

  /** @param nowMs when the import begins, by the clock of `text` */
  constructor(nowMs: number) {
    this.#startedMs = nowMs;
  }

  text({ bytes, totalBytes, lines }: ImportProgress, nowMs: number): string {
    // An import that has to begin anew is timed anew.
    if (bytes < this.#bytes) this.#startedMs = nowMs;
    this.#bytes = bytes;
    const done = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
    const bar = "#".repeat(Math.floor(done * barWidth)).padEnd(barWidth, ".");
    const parts = [`[${bar}] ${String(Math.floor(100 * done)).padStart(3)} %`, `${formatCount(lines)} lines`];
    const elapsedMs = nowMs - this.#startedMs;
    if (elapsedMs >= settledMs && done > 0) {
      parts.push(`${formatCount((1_000 * lines) / elapsedMs)}/s`);
      parts.push(`${formatDuration(Math.ceil((elapsedMs / 1_000) * (1 / done - 1)))} left`);
    }
    return parts.join("  ");
  }
}
