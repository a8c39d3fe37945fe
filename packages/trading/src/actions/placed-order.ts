import type { OrderSide, OrderType, TimeInForce } from "@tapedeck/matching";

/** An order as the log has it: whole numbers of the instrument's last decimal. */
export interface PlacedOrder {
  readonly side: OrderSide;
  readonly type: OrderType;
  /** 0 of one with `quoteAmount` or `closePosition`. */
  readonly amount: number;
  /** In units of price times units of amount. */
  readonly quoteAmount?: bigint | undefined;
  readonly closePosition?: boolean | undefined;
  readonly reduceOnly?: boolean | undefined;
  readonly price: number | undefined;
  readonly stopPrice: number | undefined;
  readonly timeInForce: TimeInForce | undefined;
  /** When it ends if it is open then, in nanoseconds since 1970. */
  readonly expiresNs?: bigint | undefined;
  readonly clientOrderId: string | undefined;
}

/** Orders that depend on each other, as the log has them. */
export interface PlacedList {
  readonly clientListId: string | undefined;
  /** The others follow when it has been filled. */
  readonly first: PlacedOrder | undefined;
  /** One, or two of which one ends the other. */
  readonly others: readonly PlacedOrder[];
}
