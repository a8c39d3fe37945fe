import type { TapeNs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";

interface Entry {
  readonly seq: Seq;
  readonly ns: TapeNs;
  readonly bytes: number;
}

/** The frames that Redis keeps after they are stored: bounded in age and in bytes. */
export class RecentFrames {
  readonly #maxNs: TapeNs;
  readonly #maxBytes: number;
  #entries: Entry[] = [];
  /** Entries before this one have expired. */
  #first = 0;
  #bytes = 0;

  constructor(seconds: number, bytes: number) {
    this.#maxNs = seconds * 1e9;
    this.#maxBytes = bytes;
  }

  // HOT: once per frame that is appended.
  /** Adds the newest frame. @returns the oldest frame that is recent now */
  add(seq: Seq, ns: TapeNs, bytes: number): Seq {
    this.#entries.push({ seq, ns, bytes });
    this.#bytes += bytes;
    let oldest = this.#entries[this.#first];
    while (oldest !== undefined && oldest.seq < seq && (ns - oldest.ns > this.#maxNs || this.#bytes > this.#maxBytes)) {
      this.#bytes -= oldest.bytes;
      oldest = this.#entries[++this.#first];
    }
    if (this.#first > 1_000 && 2 * this.#first > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return oldest?.seq ?? seq;
  }
}
