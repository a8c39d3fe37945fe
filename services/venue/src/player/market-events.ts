import type { LevelChanges } from "./venue-book.js";

/** An update of the book, as bots hear it. Times are in ms since 1970, shifted to the wall's. */
export interface DepthUpdate extends LevelChanges {
  /** Of the update before it, whether or not anyone has heard it. */
  readonly previousId: number;
  readonly id: number;
  /** When it is told, which never goes back, and when it happened. */
  readonly eventTime: number;
  readonly time: number;
}

export interface VenueTrade {
  readonly id: number;
  readonly eventTime: number;
  readonly time: number;
  readonly price: string;
  readonly quantity: string;
  /** As integers that count the last decimal. */
  readonly priceUnits: number;
  readonly quantityUnits: number;
  /** The seller was the taker. */
  readonly buyerIsMaker: boolean;
}

/** Hears the market as it is played. */
export interface MarketListener {
  /** It tells of an account, and needs no event of the market. */
  readonly ofAccount?: boolean;
  /** The tape time, in ns since the tape's start, at which `flush` has to be called; infinite while nothing waits. */
  readonly dueNs: number;
  /** Tape time has come to `dueNs`: nothing more from before will come. */
  flush(): void;
  /** The market stands still: what happened until now has to be told now. */
  pause?(): void;
  /** The session has changed within its epoch, or its tape has grown: `dueNs` may be another one. */
  changed?(): void;
  /** The tape has ended, so an interval that has begun will not. */
  end?(): void;
  depth?(update: DepthUpdate): void;
  trade?(trade: VenueTrade): void;
}
