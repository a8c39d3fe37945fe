import type { OwnOrder } from "../account/own.js";
import { BinanceError, type ErrorName } from "../http/binance-error.js";
import type { Market } from "../http/target.js";

type Answer = readonly [code: ErrorName | number, message: string];

/** What Binance answers where the engine refuses an order, or ends it as it arrives, by the engine's reason. */
const answers: Readonly<Record<string, Readonly<Record<Market, Answer>>>> = {
  INSUFFICIENT_BALANCE: {
    spot: ["NEW_ORDER_REJECTED", "Account has insufficient balance for requested action."],
    usdm: [-2019, "Margin is insufficient."],
  },
  INSUFFICIENT_MARGIN: {
    spot: ["NEW_ORDER_REJECTED", "Account has insufficient balance for requested action."],
    usdm: [-2019, "Margin is insufficient."],
  },
  WOULD_TRIGGER: {
    spot: ["NEW_ORDER_REJECTED", "Order would trigger immediately."],
    usdm: [-2021, "Order would immediately trigger."],
  },
  "would-take": {
    spot: ["NEW_ORDER_REJECTED", "Order would immediately match and take."],
    usdm: [
      -5022,
      "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history",
    ],
  },
  DUPLICATE_ID: {
    spot: ["NEW_ORDER_REJECTED", "Duplicate order sent."],
    usdm: [-4116, "ClientOrderId is duplicated."],
  },
  TOO_MANY_ORDERS: {
    spot: ["INVALID_MESSAGE", "Filter failure: MAX_NUM_ORDERS"],
    usdm: [-2025, "Reach max open order limit."],
  },
  MIN_NOTIONAL: {
    spot: ["INVALID_MESSAGE", "Filter failure: NOTIONAL"],
    usdm: [-4164, "Order's notional is too small (unless you choose reduce only)."],
  },
  INVALID_PRICE: {
    spot: ["INVALID_MESSAGE", "Filter failure: PRICE_FILTER"],
    usdm: [-4014, "Price not increased by tick size."],
  },
  INVALID_AMOUNT: {
    spot: ["INVALID_MESSAGE", "Filter failure: LOT_SIZE"],
    usdm: [-4023, "Quantity not increased by step size."],
  },
};

interface Ended {
  readonly status: OwnOrder["status"];
  /** In the engine's words. */
  readonly reason?: string | null | undefined;
}

/** Whether an order was refused to the client, so that for the venue there has never been one. */
export function isRefused({ status, reason }: Ended): boolean {
  return status === "REJECTED" || (status === "EXPIRED" && reason === "would-take");
}

/** Why a new order is refused to the client; undefined if it was accepted, whatever became of it since. */
export function newOrderRefusal(market: Market, order: Ended): BinanceError | undefined {
  return isRefused(order) ? refusalOf(market, order.reason ?? "") : undefined;
}

export function refusalOf(market: Market, reason: string): BinanceError {
  const [code, message] = answers[reason]?.[market] ?? ["NEW_ORDER_REJECTED", `Order rejected: ${reason}.`];
  return new BinanceError(code, message);
}

export function unknownOrder(): BinanceError {
  return new BinanceError("CANCEL_REJECTED", "Unknown order sent.");
}

export function noSuchOrder(): BinanceError {
  return new BinanceError("NO_SUCH_ORDER", "Order does not exist.");
}
