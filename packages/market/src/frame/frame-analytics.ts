import type { Severity, TapeNs, TradeSide } from "@tapedeck/protocol";
import type { BookLevel } from "../book/order-book.js";

/** A trade on its way into a frame. */
export interface MarketTrade {
  /** The trade's own time as the source wrote it, ISO 8601. */
  readonly timestamp: string;
  readonly price: number;
  readonly size: number;
  readonly side: TradeSide;
  /** Of the order that the session's own user gave in a simulated market. */
  readonly own?: true;
}

/** What a frame is made of, as numbers: everything that can be known at its time, and nothing from after it. */
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
  /** A marked gap lies between the previous frame and this one: state that needs continuity starts anew. */
  readonly afterGap: boolean;
}

/** What analytics add to a frame. All text is ASCII JSON. */
export interface FrameFindings {
  /** Fields that belong to this frame alone, `"obi":0.12,"vpin":0.3`, without outer commas; may be empty. */
  readonly head: string;
  /** JSON objects joined by commas, each with its own `timestamp`. */
  readonly anomalies: string;
  readonly events: readonly { readonly type: string; readonly severity: Severity }[];
}

/**
 * The one place where features and detectors are computed: once per frame, in the tape's order, when the tape is made. They
 * read event time only, so the same recording always gives the same frames, and seeking shows what playing shows.
 */
export interface FrameAnalytics {
  analyse(moment: FrameMoment): FrameFindings;
}

const nothing: FrameFindings = { head: "", anomalies: "", events: [] };

/** The frame's basic fields and nothing more. */
export const basicAnalytics: FrameAnalytics = { analyse: () => nothing };
