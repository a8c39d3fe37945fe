import type { WallMs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";
import type { Tapes } from "../rules/choose-mode.js";
import type { SeekableTape } from "../rules/playhead.js";
import { shelf, steadyTape } from "./synthetic-tape.js";

/** A feed whose tape gets a frame every 100 ms. */
export class Market {
  readonly id: string;
  readonly #begins: WallMs;
  /** When its feed ends, and the tape is finished. */
  readonly #ends: WallMs;

  constructor(id: string, begins: WallMs, ends: WallMs = Number.POSITIVE_INFINITY) {
    this.id = id;
    this.#begins = begins;
    this.#ends = ends;
  }

  /** The newest frame; below 0 while there is none. */
  edge(now: WallMs): Seq {
    return Math.floor((Math.min(now, this.#ends) - this.#begins) / 100);
  }

  tape(now: WallMs, firstSeq = 0): SeekableTape {
    return steadyTape(this.edge(now) + 1, 100, {
      id: this.id,
      growing: now < this.#ends,
      firstSeq,
      startMs: this.#begins,
    });
  }
}

/** The tapes of these markets that have begun at a moment. */
export function marketsAt(now: WallMs, ...markets: readonly Market[]): Tapes {
  return shelf(...markets.filter((market) => market.edge(now) >= 0).map((market) => market.tape(now)));
}
