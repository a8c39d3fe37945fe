import type { RecordedTape, Seq } from "@tapedeck/tape";
import { OverviewBuilder, type OverviewPoint } from "@tapedeck/tape/blocks";

/** The overview of a tape's parts, summed up as they come: each part's points are read once. */
export class StoredOverview {
  readonly #overview = new OverviewBuilder();
  #toSeq: Seq = -1;
  #summing: Promise<void> = Promise.resolve();

  /** Points up to the end of `parts`, and perhaps of some from before them. */
  async of(parts: readonly RecordedTape[]): Promise<readonly OverviewPoint[]> {
    const before = this.#summing.catch(() => undefined); // whoever asked for it was told why
    this.#summing = before.then(() => this.#sumUp(parts));
    await this.#summing;
    return this.#overview.points;
  }

  async #sumUp(parts: readonly RecordedTape[]): Promise<void> {
    for (const part of parts) {
      const { lastSeq } = part.span;
      if (lastSeq <= this.#toSeq) continue;
      const runs = await part.overview();
      for (const run of runs) if (run.seq > this.#toSeq) this.#overview.add(run, run.frames);
      this.#toSeq = lastSeq;
    }
  }
}
