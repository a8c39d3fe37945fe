import type { TradeHistory } from "../candles/trade-history.js";
import type { Market } from "../http/target.js";
import type { MarketListener } from "../player/market-events.js";
import type { PlayedEpoch } from "../player/played-epoch.js";

/** Takes the messages of a stream. */
export type Send = (data: string) => void;

/** What all messages of a stream have in common. */
export interface StreamContext {
  readonly epoch: PlayedEpoch;
  readonly market: Market;
  /** The trades up to the playhead. Rejects as reading a tape does. */
  readonly history: () => Promise<TradeHistory>;
  readonly send: Send;
}

export type MarketStream = MarketListener;
export type MakeStream = (context: StreamContext) => MarketStream;

/** The end of the interval of tape time that a time lies in: intervals are the same on all nodes. A time that ends one belongs to it. */
export function intervalEnd(ns: number, intervalNs: number): number {
  return Math.ceil(ns / intervalNs) * intervalNs;
}

export const msInNs = 1e6;
