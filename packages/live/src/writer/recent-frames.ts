import type { TapeNs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";

interface Entry {
  readonly seq: Seq;
  readonly ns: TapeNs;
  readonly bytes: number;
}

/** Which frames are recent: not older than the bound on time, and not more than the bound on bytes. */
export class RecentFrames {
  readonly #ns: TapeNs;
  readonly #bytes: number;
  #entries: Entry[] = [];
  /** Entries before it are not recent any more. */
  #first = 0;
  #held = 0;

  constructor(seconds: number, bytes: number) {
    this.#ns = seconds * 1e9;
    this.#bytes = bytes;
  }

  // HOT: once per frame that is appended.
  /** Takes the newest frame; returns the oldest one that is recent then. */
  add(seq: Seq, ns: TapeNs, bytes: number): Seq {
    this.#entries.push({ seq, ns, bytes });
    this.#held += bytes;
    let oldest = this.#entries[this.#first];
    while (oldest !== undefined && oldest.seq < seq && (ns - oldest.ns > this.#ns || this.#held > this.#bytes)) {
      this.#held -= oldest.bytes;
      oldest = this.#entries[++this.#first];
    }
    if (this.#first > 1_000 && 2 * this.#first > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return oldest?.seq ?? seq;
  }
}
