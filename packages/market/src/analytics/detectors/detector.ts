import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import type { LiquidityGaps } from "../features/liquidity-gaps.js";
import type { MarketRegime } from "../features/regime.js";

/** A detector's input: a frame with the features already computed. */
export interface DetectorInput {
  readonly moment: FrameMoment;
  /** The previous frame; undefined for the first frame and after a marked gap. */
  readonly before: FrameMoment | undefined;
  /** Since the previous frame; 0 without one. */
  readonly seconds: number;
  /** Tape time of each of the frame's trades. */
  readonly tradeNs: readonly number[];
  readonly obi: number;
  readonly gaps: LiquidityGaps;
  readonly regime: MarketRegime;
  /** Units traded in this frame. */
  readonly volume: number;
  /** Seconds since the best prices last changed. */
  readonly steady: { readonly bid: number; readonly ask: number };
  /** Typical move of the mid in a second, price units; 0 while unknown. */
  readonly typicalMove: number;
}

/** Detects one kind of anomaly. It gets each frame once and in order; its state is bounded. */
export interface Detector {
  /** One that has seen the same frames. */
  copy(): Detector;
  detect(scene: DetectorInput, raise: RaiseAlert): void;
}
