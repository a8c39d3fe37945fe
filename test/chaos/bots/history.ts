// What one session's clients sent and were told, as plain data for the oracle.

/** A fill as a client was told of it, or as the truth has it. Numbers are decimals in text of any length. */
export interface Fill {
  readonly id: string;
  readonly order: string;
  readonly side: "buy" | "sell";
  readonly price: string;
  readonly amount: string;
  readonly fee: string;
}

/** A change of an order as a client was told of it. */
export interface OrderChange {
  readonly order: string;
  readonly status: string;
  readonly filled: string;
  /** All that was told, to find what is told twice. */
  readonly text: string;
}

/**
 * A time in which a client was told without a break: a connection of a user stream; of the SDK an epoch, over all connections that continue each
 * other.
 */
export interface Listening {
  readonly client: "venue" | "SDK";
  /** The session's epoch; undefined if it changed while the client began to listen. */
  epoch: number | undefined;
  /** What REST answered after it began: ids of fills, and orders as they were. Undefined if it ended before. */
  before:
    | { readonly fills: readonly Fill[]; readonly orders: ReadonlyMap<string, { status: string; filled: string }> }
    | undefined;
  readonly fills: Fill[];
  readonly orders: OrderChange[];
}

/** What a client knows of an order that it sent. `unknown`: no answer came, so it may have been placed. */
export type SentOutcome = "acknowledged" | "refused" | "unknown";

export interface BotHistory {
  readonly session: string;
  /** By the client's name of the order. */
  readonly sent: Map<string, SentOutcome>;
  readonly listenings: Listening[];
  /** The balances that the account began with. */
  readonly start: Start;
}

export type Start =
  | { readonly kind: "spot"; readonly base: string; readonly quote: string }
  | { readonly kind: "futures"; readonly wallet: string };

/** The session's trading with one frame, computed from its log and its tape by a process that serves nobody. */
export interface Trading {
  readonly epoch: number;
  readonly orders: readonly {
    readonly order: string;
    readonly name: string | null;
    readonly status: string;
    readonly filled: string;
    /** It was refused to its sender: for a venue's clients there has never been one. */
    readonly refused?: boolean;
  }[];
  readonly fills: readonly (Fill & { readonly realized: string | null })[];
  /** Of a branch, fills that came in the seconds after it was left: until a rewind is written, clients are told what goes on. */
  readonly later?: readonly Fill[];
  readonly account:
    | { readonly kind: "spot"; readonly base: string; readonly quote: string }
    | { readonly kind: "futures"; readonly wallet: string; readonly position: string };
}

export interface Truth {
  /** The clients' names of all orders that the log has, in its order; of one that was undone and then sent again, one. */
  readonly log: readonly string[];
  readonly now: Trading;
  /** What rewinds left, newest first, each by the epoch that it ended. */
  readonly branches: readonly Trading[];
  /** Of an amount and a price together. */
  readonly decimals: number;
}
