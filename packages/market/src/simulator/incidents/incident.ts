import type { BookSideName } from "../../book/order-book.js";
import type { Baseline } from "../instrument.js";
import type { Intervention } from "../market-segment.js";
import type { RandomStream } from "../random/random-stream.js";
import type { IncidentSeverity } from "../scenario/scenario.js";

/** Inputs of an incident. It draws from its own random stream. */
export interface IncidentSetup {
  readonly fromMs: number;
  readonly severity: IncidentSeverity;
  readonly random: RandomStream;
  readonly baseline: Baseline;
  /** Fair price at its beginning, in ticks. */
  readonly fairTicks: number;
  /** Volatility of this segment relative to an ordinary day. */
  readonly activity: number;
  /** The segment's fair price without incidents, in ticks. */
  fairAt(ms: number): number;
}

/** An incident scheduled in its segment. */
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
