import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";

/** Money, prices and amounts are decimals in text: a JSON number could not hold all of them. */
const decimal = z.string().describe("a decimal in text");
const amount = z.string().regex(/^\d{1,15}(\.\d{1,15})?$/, 'must be a plain decimal in text, such as "0.5"');
const rate = z
  .string()
  .regex(/^-?0(\.\d{1,8})?$/, 'must be a rate between -0.1 and 0.1 in text, such as "0.0004"')
  .refine((text) => Math.abs(Number(text)) <= 0.1, 'must be a rate between -0.1 and 0.1 in text, such as "0.0004"');

export const orderSide = z.enum(["buy", "sell"], "must be buy or sell");
export const orderType = z.enum(
  ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
  "must be MARKET, LIMIT, STOP, STOP_LIMIT, TAKE_PROFIT or TAKE_PROFIT_LIMIT",
);
export const timeInForce = z
  .enum(["GTC", "IOC", "FOK", "GTX"], "must be GTC, IOC, FOK or GTX")
  .describe("GTX is post-only");

// Settings

const latencyMs = z.number().min(0, "must be at least 0").max(3_600_000, "must be at most 3600000");
const latency = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant"), ms: latencyMs }),
  z
    .strictObject({
      kind: z.literal("log-normal"),
      median_ms: latencyMs.min(0.001, "must be at least 0.001"),
      sigma: z.number().min(0, "must be at least 0").max(3, "must be at most 3"),
      min_ms: latencyMs.default(0),
      max_ms: latencyMs.default(3_600_000),
    })
    .describe("drawn from the seed, message by message"),
]);
const exponent = z.number().min(0.1, "must be at least 0.1").max(10, "must be at most 10");
const queue = z.discriminatedUnion("model", [
  z
    .strictObject({ model: z.literal("auto") })
    .describe("`orders` where the tape has each order, as simulated ones have, else `risk-averse`"),
  z.strictObject({ model: z.literal("orders") }).describe("exact, for tapes that have each order"),
  z.strictObject({ model: z.literal("risk-averse") }),
  z.strictObject({ model: z.literal("log-probability") }),
  z.strictObject({ model: z.literal("log-probability-2") }),
  z.strictObject({ model: z.literal("power-probability"), n: exponent }),
  z.strictObject({ model: z.literal("power-probability-2"), n: exponent }),
  z.strictObject({ model: z.literal("power-probability-3"), n: exponent }),
]);
const account = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("spot"), base: amount, quote: amount }),
  z.strictObject({
    kind: z.literal("futures"),
    wallet: amount.describe("in the quote currency"),
    leverage: z.int().min(1, "must be at least 1").max(125, "must be at most 125"),
    maintenance_rate: z
      .string()
      .regex(/^0(\.\d{1,8})?$/, 'must be a rate below 0.5 in text, such as "0.004"')
      .refine((text) => Number(text) <= 0.5, 'must be a rate below 0.5 in text, such as "0.004"')
      .default("0.004"),
  }),
]);

const fees = z.strictObject({ maker: rate, taker: rate });
const travel = z
  .strictObject({ entry: latency, response: latency })
  .describe("how long an order travels to the venue, and what the venue says back");
const queuePlace = queue.describe("where a limit order stands among those at its price");
const fills = z
  .enum(["partial", "whole"], "must be partial or whole")
  .describe("whole: as hftbacktest's exchange without partial fills");
const marketImpact = z
  .boolean()
  .describe("in mode SIMULATION the market sees what orders take when they arrive, and reacts; no other market does");
const seed = z.string().max(100, "must have at most 100 characters");

/** How a session's orders meet its tape. What is left out has its default. */
export const tradingSettings = z
  .strictObject({
    account: account.default({ kind: "spot", base: "10", quote: "1000000" }),
    fees: fees.default({ maker: "0.0002", taker: "0.0005" }),
    latency: travel.default({ entry: { kind: "constant", ms: 0 }, response: { kind: "constant", ms: 0 } }),
    queue: queuePlace.default({ model: "auto" }),
    fills: fills.default("partial"),
    market_impact: marketImpact.default(true),
    seed: seed.default("0"),
  })
  .meta({ id: "TradingSettings" });
export type TradingSettings = z.infer<typeof tradingSettings>;
export type TradingSettingsInput = z.input<typeof tradingSettings>;

/** Some of the settings. What is left out stays as it is. */
export const tradingSettingsChange = z
  .strictObject({
    account: account.optional(),
    fees: fees.optional(),
    latency: travel.optional(),
    queue: queuePlace.optional(),
    fills: fills.optional(),
    market_impact: marketImpact.optional(),
    seed: seed.optional(),
  })
  .meta({ id: "TradingSettingsChange" });
export type TradingSettingsChange = z.infer<typeof tradingSettingsChange>;
export type TradingSettingsChangeInput = z.input<typeof tradingSettingsChange>;

/** The instrument that prices and amounts are of. */
export const tradedInstrument = z.object({
  symbol: z.string(),
  source: z.string(),
  tape: z.string().describe("id@version"),
  price_decimals: z.int(),
  amount_decimals: z.int(),
  tick: decimal.describe("prices are multiples of it"),
  lot: decimal.describe("amounts are multiples of it"),
});
export type TradedInstrument = z.infer<typeof tradedInstrument>;

export const tradingAnswer = z.object({
  settings: tradingSettings,
  queue_auto: z
    .boolean()
    .describe("whether `settings.queue` is what the tape allows, and may be another one on another tape"),
  instrument: tradedInstrument.nullable(),
});
export type TradingAnswer = z.infer<typeof tradingAnswer>;

// Orders

const clientOrderId = z
  .string()
  .regex(/^[\w.:/-]{1,36}$/, "must have 1 to 36 characters of A-Z, a-z, 0-9 and . _ : / -");

export const orderBody = z
  .strictObject({
    side: orderSide,
    type: orderType,
    amount: amount.optional().describe("of the base currency; required without quote_amount and close_position"),
    quote_amount: amount
      .optional()
      .describe("of MARKET, in place of amount: what to pay, or to get, in the quote currency, fees apart"),
    close_position: z
      .boolean()
      .optional()
      .describe("of STOP and TAKE_PROFIT on a futures account, in place of amount: closes the position"),
    reduce_only: z.boolean().optional().describe("on a futures account: only what makes the position smaller"),
    price: amount.optional().describe("of LIMIT, STOP_LIMIT and TAKE_PROFIT_LIMIT"),
    stop_price: amount
      .optional()
      .describe("of STOP and TAKE_PROFIT, and of those with a limit: a trade there makes MARKET or LIMIT of it"),
    time_in_force: timeInForce.optional().describe("of orders with a price; default: GTC"),
    expires_at: isoTime
      .optional()
      .describe("of orders with a price and GTC: when it expires if it is open then, in tape time"),
    client_order_id: clientOrderId.optional().describe("different from those of your open orders"),
  })
  .refine(
    ({ amount: of, quote_amount: quote, close_position: closes }) =>
      [of, quote, closes || undefined].filter((each) => each !== undefined).length === 1,
    { path: ["amount"], message: "exactly one of amount, quote_amount and close_position is required" },
  );
export type OrderBody = z.infer<typeof orderBody>;

export const orderListBody = z.strictObject({
  first: orderBody.optional().describe("a LIMIT order; the others go to the market when it has been filled"),
  others: z
    .array(orderBody)
    .min(1, "must have one or two orders")
    .max(2, "must have one or two orders")
    .describe("one that follows the first, or a pair of which one ends the other: a stop, and LIMIT or a take profit"),
  client_list_id: clientOrderId.optional().describe("your name of the list"),
});
export type OrderListBody = z.infer<typeof orderListBody>;

export const replaceBody = z
  .strictObject({
    price: amount.optional(),
    amount: amount.optional().describe("what shall be open of it"),
    stop_price: amount
      .optional()
      .describe("of an order that waits for it, which changes only together with it; the same price is one, too"),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    path: ["price"],
    message: "one of price, amount and stop_price is required",
  });
export type ReplaceBody = z.infer<typeof replaceBody>;

export const orderStatus = z.enum(["PENDING", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED"]);

export const sessionOrder = z
  .object({
    order_id: z.string(),
    client_order_id: z.string().nullable(),
    side: orderSide,
    type: orderType,
    amount: decimal.describe("0 until the venue has determined it, of an order with quote_amount or close_position"),
    quote_amount: decimal.optional().describe("only of an order that was sent with one"),
    close_position: z.literal(true).optional().describe("only of an order that closes the position"),
    reduce_only: z.literal(true).optional().describe("only of an order that may only reduce the position"),
    filled: decimal,
    open: decimal.describe("what may still be filled; 0 if the order has ended"),
    price: decimal.nullable(),
    stop_price: decimal.nullable(),
    triggered: z
      .literal(true)
      .optional()
      .describe("only of an order that has waited for its stop price, and no longer does"),
    time_in_force: timeInForce.nullable(),
    expires_at: isoTime.optional().describe("only of an order that was sent with one"),
    list: z
      .object({
        list_id: z.string().describe("the id of the list's first order"),
        client_list_id: z.string().nullable(),
        contingency: z.enum(["OCO", "OTO", "OTOCO"]),
        waits: z.boolean().describe("out of the market until the list's first order has been filled"),
      })
      .optional()
      .describe("only of an order of a list"),
    status: orderStatus.describe("PENDING: on its way to the venue"),
    reason: z.string().nullable().describe("why it ended, or was rejected"),
    created_at: isoTime.describe("when it was sent, in tape time"),
    updated_at: isoTime,
    average_price: decimal.nullable(),
  })
  .meta({ id: "SessionOrder" });
export type SessionOrder = z.infer<typeof sessionOrder>;

export const sessionFill = z
  .object({
    fill_id: z.string(),
    order_id: z.string(),
    client_order_id: z.string().nullable(),
    side: orderSide,
    price: decimal,
    amount: decimal,
    fee: decimal.describe("in the quote currency; below 0 it was received"),
    liquidity: z.enum(["maker", "taker"]),
    position: decimal.describe(
      "after the fill: of a futures account the position, of a spot account what it has of the base",
    ),
    realized_pnl: decimal.nullable().describe("what the fill realised, without its fee; null on a spot account"),
    timestamp: isoTime.describe("tape time"),
  })
  .meta({ id: "SessionFill" });
export type SessionFill = z.infer<typeof sessionFill>;

export const sessionAccount = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("spot"),
      base: decimal,
      quote: decimal,
      locked_base: decimal.describe("of `base`, what open orders hold"),
      locked_quote: decimal,
      last_price: decimal.nullable(),
      equity: decimal.nullable().describe("at the market's last trade; null before one is known"),
    }),
    z.object({
      kind: z.literal("futures"),
      wallet: decimal,
      position: decimal.describe("below 0 is short"),
      entry_price: decimal.nullable(),
      leverage: z.int(),
      unrealized_pnl: decimal.nullable(),
      margin: decimal.nullable().describe("the position's value divided by the leverage"),
      liquidation_price: decimal.nullable(),
      last_price: decimal.nullable(),
      equity: decimal.nullable(),
    }),
  ])
  .meta({ id: "SessionAccount" });
export type SessionAccount = z.infer<typeof sessionAccount>;

const flag = z
  .enum(["true", "false"], "must be true or false")
  .default("false")
  .transform((text) => text === "true");

export const onceQuery = z.object({
  once: flag.describe(
    "whether an order whose client_order_id the session has already, or a list with such a client_list_id, is not sent again: it is answered as it is",
  ),
});

const page = {
  after: z.string().max(30).optional().describe("the id of the last one of the page before"),
  limit: decimalText(z.int().min(1, "must be at least 1").max(1000, "must be at most 1000")).default(100),
};
export const ordersQuery = z.object({
  open: flag.describe("only orders that are open or on their way"),
  ...page,
});
export const fillsQuery = z.object(page);

const sessionId = z.string().meta({ description: "a session's id", example: "session_1735900000000_ab12cd34e" });
export const orderParams = z.object({ id: sessionId, order_id: z.string().max(30) });
export const branchParams = z.object({ id: sessionId, branch: z.string().max(30) });

const at = {
  seq: z.int().nullable().describe("the frame at the playhead: with it all of this has happened; null without a tape"),
  epoch: z.int(),
};
export const orderAnswer = z.object({ order: sessionOrder });
export const orderListAnswer = z.object({
  orders: z.array(sessionOrder).describe("in the order in which they were sent"),
});
export const canceledAnswer = z.object({ orders: z.array(sessionOrder).describe("those to be canceled, as they are") });
export const ordersAnswer = z.object({ ...at, orders: z.array(sessionOrder).describe("oldest first") });
export type OrdersAnswer = z.infer<typeof ordersAnswer>;
export const fillsAnswer = z.object({ ...at, fills: z.array(sessionFill).describe("oldest first") });
export type FillsAnswer = z.infer<typeof fillsAnswer>;
export const accountAnswer = z.object({ ...at, account: sessionAccount.nullable().describe("null without a tape") });
export type AccountAnswer = z.infer<typeof accountAnswer>;

export const branch = z.object({
  id: z.string().describe("the epoch that ended"),
  tape: z.string(),
  seq: z.int().describe("the frame at the playhead when it was left"),
  left_at: isoTime.describe("by the cluster's clock"),
});
export type SessionBranch = z.infer<typeof branch>;
export const branchesAnswer = z.object({ branches: z.array(branch).describe("newest first") });
