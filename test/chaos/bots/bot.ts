import type { SentOutcome } from "./history.js";

/** What a bot does next. */
export type Act = "market" | "near" | "post-only" | "far" | "stop" | "cancel" | "replace" | "cancel all";

/** An order that a bot places. */
export interface BotOrder {
  readonly name: string;
  readonly side: "buy" | "sell";
  readonly type: "MARKET" | "LIMIT" | "STOP";
  readonly postOnly: boolean;
  readonly amount: string;
  readonly price?: string;
  readonly stopPrice?: string;
}

/** As numbers, since they only say where to place orders. */
export interface BestPrices {
  readonly bid: number;
  readonly ask: number;
}

/** A client that trades on a session. */
export interface Bot {
  readonly name: string;
  /** The best prices; undefined if nobody says at the moment. */
  prices(): Promise<BestPrices | undefined>;
  /** Sends an order; `unknown` if no answer came. */
  place(order: BotOrder): Promise<SentOutcome>;
  /** Cancels an order, or moves it to another price. Without an answer it may have happened. */
  cancel(name: string): Promise<void>;
  replace(order: BotOrder): Promise<void>;
  cancelAll(): Promise<void>;
  /** Whether the session has an order of this name; undefined if nobody says at the moment. */
  knows(name: string): Promise<boolean | undefined>;
  /** Whether it is connected and knows what is. */
  readonly isBack: boolean;
  /** What its last attempt to know what is failed with. */
  readonly problem: unknown;
  /** Connections so far. */
  readonly connections: number;
  /** Loses its connection, or reads nothing for a while. */
  cut(): void;
  stall(ms: number): Promise<void>;
  /** Why it ended by itself, which it never should. */
  readonly ended?: string | undefined;
  /** What its exchange says of the account. */
  balances?(): Promise<readonly Balance[]>;
  close(): void;
}

export interface Balance {
  readonly what: "base" | "quote" | "wallet" | "position";
  /** A decimal in text. */
  readonly value: string;
}
