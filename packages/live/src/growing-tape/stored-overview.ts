import type { RecordedTape, Seq } from "@tapedeck/tape";
import { OverviewBuilder, type OverviewPoint } from "@tapedeck/tape/blocks";

/** The overview of a tape's segments, extended as they are stored: each segment's points are read once. */
export class StoredOverview {
  readonly #overview = new OverviewBuilder();
  #toSeq: Seq = -1;
  #extending: Promise<void> = Promise.resolve();

  /** Points up to the end of `segments`, and perhaps of some before the first. */
  async of(segments: readonly RecordedTape[]): Promise<readonly OverviewPoint[]> {
    const before = this.#extending.catch(() => undefined); // its caller has the error
    this.#extending = before.then(() => this.#extend(segments));
    await this.#extending;
    return this.#overview.points;
  }

  async #extend(segments: readonly RecordedTape[]): Promise<void> {
    for (const segment of segments) {
      const { lastSeq } = segment.span;
      if (lastSeq <= this.#toSeq) continue;
      const runs = await segment.overview();
      for (const run of runs) if (run.seq > this.#toSeq) this.#overview.add(run, run.frames);
      this.#toSeq = lastSeq;
    }
  }
}
