import type { BookSideName } from "../../book/order-book.js";
import type { Baseline } from "../instrument.js";
import type { Intervention } from "../market-segment.js";
import type { RandomStream } from "../random/random-stream.js";
import type { IncidentSeverity } from "../scenario/scenario.js";

/** What an incident has to be staged with. All its draws come from a stream of its own. */
export interface IncidentSetup {
  readonly fromMs: number;
  readonly severity: IncidentSeverity;
  readonly random: RandomStream;
  readonly baseline: Baseline;
  /** Fair price as it begins, in ticks. */
  readonly fairTicks: number;
  /** How much more the price moves in this minute than on an ordinary day: 1 where it doesn't. */
  readonly activity: number;
  /** Fair price of the segment when nothing is staged, in ticks. */
  fairAt(ms: number): number;
}

/** An incident laid out over its segment, before any of it happens. */
export interface Incident {
  readonly toMs: number;
  readonly side?: BookSideName;
  readonly direction?: 1 | -1;
  readonly interventions: readonly Intervention[];
  /** Ticks that it adds to the fair price. */
  readonly shiftAt?: (ms: number) => number;
}

export type IncidentFactory = (stage: IncidentSetup) => Incident;

export function randomSide(random: RandomStream): BookSideName {
  return random.chance(0.5) ? "bid" : "ask";
}
