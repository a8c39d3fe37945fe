import type { Severity, TapeNs, TradeSide } from "@tapedeck/protocol";
import type { BookLevel } from "../book/order-book.js";

/** A trade to be put into a frame. */
export interface MarketTrade {
  /** The trade's time as the source gives it, ISO 8601. */
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly side: TradeSide;
  /** The trade executes an order of the session's user in a simulated market. */
  readonly own?: true;
}

/** The state of the market at a frame's time, as numbers; nothing from after it. */
export interface FrameMoment {
  readonly ns: TapeNs;
  readonly timestamp: string;
  /** Real levels only, at most 20, best first. A side may be empty. */
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  readonly mid: number;
  readonly microprice: number;
  /** Book updates since the previous frame. */
  readonly updates: number;
  /** Trades since the previous frame, in order. */
  readonly trades: readonly MarketTrade[];
  /** A marked gap precedes this frame: state that needs continuity must be reset. */
  readonly afterGap: boolean;
}

/** The fields and anomalies that analytics add to a frame. All text is ASCII JSON. */
export interface FrameFindings {
  /** This frame's features, `"obi":0.12,"vpin":0.3`, without outer commas; may be empty. */
  readonly head: string;
  /** JSON objects joined by commas, each with its own `timestamp`. */
  readonly anomalies: string;
  readonly events: readonly { readonly type: string; readonly severity: Severity }[];
}

/**
 * Computes features and anomalies once per frame, in the tape's order, when the tape is made. Only event time is used, so the same
 * recording always gives the same frames, and seeking shows the same frames as playing.
 */
export interface FrameAnalytics {
  analyse(moment: FrameMoment): FrameFindings;
}

export interface CopyableAnalytics extends FrameAnalytics {
  /** Analytics that have seen the same frames. */
  copy(): CopyableAnalytics;
}

const nothing: FrameFindings = { head: "", anomalies: "", events: [] };

/** Adds nothing to the frame's basic fields. */
export const basicAnalytics: CopyableAnalytics = { analyse: () => nothing, copy: () => basicAnalytics };
