import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import type { LiquidityGaps } from "../features/liquidity-gaps.js";
import type { MarketRegime } from "../features/regime.js";

/** A frame as detectors see it, with what was worked out of it already. */
export interface DetectorInput {
  readonly moment: FrameMoment;
  /** The frame before; undefined for the first one, and where a marked gap lies between. */
  readonly before: FrameMoment | undefined;
  /** Since the frame before; 0 where there is none. */
  readonly seconds: number;
  /** When each of the frame's trades took place, tape time. */
  readonly tradeNs: readonly number[];
  readonly obi: number;
  readonly gaps: LiquidityGaps;
  readonly regime: MarketRegime;
  /** Units traded in this frame. */
  readonly volume: number;
  /** How long the best prices have been what they are, in seconds. */
  readonly steady: { readonly bid: number; readonly ask: number };
  /** What the mid usually moves in a second, price units; 0 while that is not known. */
  readonly typicalMove: number;
}

/** Looks for one kind of anomaly. It sees each frame once, in order; its state is bounded. */
export interface Detector {
  detect(scene: DetectorInput, raise: RaiseAlert): void;
}
