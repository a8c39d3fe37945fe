import type { OwnOrder } from "../account/own.js";
import { BinanceError, type ErrorName } from "../http/binance-error.js";
import type { Market } from "../http/target.js";

type Answer = readonly [code: ErrorName | number, message: string];

const pastGoodTillDate: Answer = [
  -5040,
  "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than 253402300799000",
];

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
  WOULD_TAKE: {
    spot: ["NEW_ORDER_REJECTED", "Order would immediately match and take."],
    usdm: ["NEW_ORDER_REJECTED", "Order would immediately match and take."],
  },
  NOT_REDUCING: {
    spot: ["NEW_ORDER_REJECTED", "Order rejected: there is no position to reduce."],
    usdm: [-2022, "ReduceOnly Order is rejected."],
  },
  PAST_EXPIRY: {
    spot: ["NEW_ORDER_REJECTED", "Order rejected: it would have expired on its way."],
    usdm: pastGoodTillDate,
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
  /** Of its list; undefined: it is in none. */
  readonly list?: object | undefined;
}

/**
 * Whether an order was refused to the client, so that for the venue there has never been one. A list is refused before an order of it is accepted: one of
 * it that may not take when its turn comes has been there.
 */
export function isRefused({ status, reason, list }: Ended): boolean {
  return status === "REJECTED" || (status === "EXPIRED" && reason === "would-take" && list === undefined);
}

/** Why a list is refused to the client; undefined if it was accepted. */
export function newListRefusal(orders: readonly Ended[], isPair: boolean): BinanceError | undefined {
  const refused = orders.find((order) => isRefused(order));
  if (refused === undefined) return undefined;
  const reason = refused.reason ?? "";
  return isPair && (reason === "WOULD_TRIGGER" || reason === "WOULD_TAKE") ? wrongPrices() : refusalOf("spot", reason);
}

/** Why a new order is refused to the client; undefined if it was accepted, whatever became of it since. */
export function newOrderRefusal(market: Market, order: Ended): BinanceError | undefined {
  return isRefused(order) ? refusalOf(market, order.reason ?? "") : undefined;
}

export function refusalOf(market: Market, reason: string): BinanceError {
  const [code, message] = answers[reason]?.[market] ?? ["NEW_ORDER_REJECTED", `Order rejected: ${reason}.`];
  return new BinanceError(code, message);
}

/** The market has to be between the two prices of a pair. */
export function wrongPrices(): BinanceError {
  const message = "The relationship of the prices for the orders is not correct.";
  return new BinanceError("NEW_ORDER_REJECTED", message);
}

export function invalidGoodTillDate(): BinanceError {
  return new BinanceError(...pastGoodTillDate);
}

export function unknownOrder(): BinanceError {
  return new BinanceError("CANCEL_REJECTED", "Unknown order sent.");
}

export function noSuchOrder(): BinanceError {
  return new BinanceError("NO_SUCH_ORDER", "Order does not exist.");
}
