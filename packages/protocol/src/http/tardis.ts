import { z } from "zod";
import { decimalText } from "../formats/decimal.js";
import { isoTime, nsOfIso } from "../formats/time.js";

const timeRule = "must be a date or a time in UTC in ISO 8601, such as 2024-08-08 or 2024-08-08T23:54:15.123Z";
/** Minutes, seconds and the zone may be left out, which is then UTC. */
const timePattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d(?:\.\d{1,9})?))?(?:Z|\+00:?00)?)?$/;

/** Nanoseconds since 1970. */
const replayTime = z.string().transform((text, context) => {
  const [, date, minutes = "00:00", seconds = "00"] = timePattern.exec(text) ?? [];
  const ns = date === undefined ? undefined : nsOfIso(`${date}T${minutes}:${seconds}Z`);
  if (ns !== undefined) return ns;
  context.addIssue({ code: "custom", message: timeRule });
  return z.NEVER;
});

/** Kinds of messages that a replay can be asked for, by the names of Tardis. */
export type ReplayDataType =
  | { readonly kind: "trade" | "book_change" }
  | { readonly kind: "book_snapshot"; readonly name: string; readonly depth: number; readonly intervalMs: number }
  | {
      readonly kind: "trade_bar";
      readonly name: string;
      readonly per: "time" | "tick" | "volume";
      readonly size: number;
    };

const known =
  "trade, book_change, book_snapshot_{levels}_{time}, quote, quote_{time} and trade_bar_{size}, with times like 100ms, 1s or 1m, and sizes like these, 50ticks or 10vol";
/** What Tardis has besides: no tape has it. */
const absent = new Map([
  ["derivative_ticker", "funding rates, open interest and index prices are not on tapes"],
  ["liquidation", "liquidations are not on tapes"],
  ["option_summary", "options' summaries are not on tapes"],
  ["book_ticker", "quotes of best prices are not on tapes; quote has the best prices of the book"],
]);
const mostLevels = 1_000;
const longestMs = 7 * 24 * 3_600_000;

const dataType = z.string().transform((name, context): ReplayDataType => {
  const parsed = parseDataType(name);
  if (typeof parsed === "object") return parsed;
  context.addIssue({ code: "custom", message: `must not be ${JSON.stringify(name)}: ${parsed}` });
  return z.NEVER;
});

/** A data type by its name, or what is wrong with it. */
function parseDataType(name: string): ReplayDataType | string {
  if (name === "trade" || name === "book_change") return { kind: name };
  const why = absent.get(name);
  if (why !== undefined) return why;
  const [, depth, interval] = /^book_snapshot_(\d{1,9})_(\d{1,9}(?:ms|s|m))$/.exec(name) ?? [];
  if (interval !== undefined) return bookSnapshot(name, Number(depth), msOf(interval));
  const [quote, quoteInterval = "0ms"] = /^quote(?:_(\d{1,9}(?:ms|s|m)))?$/.exec(name) ?? [];
  if (quote !== undefined) return bookSnapshot(name, 1, msOf(quoteInterval));
  const [, count = "", unit] = /^trade_bar_(\d{1,9})(ms|s|m|ticks|vol)$/.exec(name) ?? [];
  if (unit === undefined) return `known are ${known}`;
  const per = unit === "ticks" ? "tick" : unit === "vol" ? "volume" : "time";
  const size = per === "time" ? msOf(count + unit) : Number(count);
  if (size < 1 || size > longestMs) return `its size is 1 to ${longestMs}, of times in milliseconds`;
  return { kind: "trade_bar", name, per, size };
}

function bookSnapshot(name: string, depth: number, intervalMs: number): ReplayDataType | string {
  if (depth < 1 || depth > mostLevels) return `it has 1 to ${mostLevels} levels`;
  if (intervalMs > longestMs) return `its time is at most ${longestMs} ms`;
  return { kind: "book_snapshot", name, depth, intervalMs };
}

/** Of `100ms`, `1s` or `1m`. */
function msOf(text: string): number {
  const unit = text.endsWith("ms") ? 1 : text.endsWith("s") ? 1_000 : 60_000;
  return Number.parseInt(text, 10) * unit;
}

/** At most so many markets are read at a time: each holds a part of its tape in memory. */
const mostMarkets = 20;
const symbols = z.array(z.string().min(1)).max(mostMarkets);

/** One of the markets that a replay of normalized messages is asked for. */
export const normalizedReplay = z
  .object({
    exchange: z.string().min(1).describe("as Tardis names it, such as binance-futures; for others the tape's source"),
    symbols: symbols.nullish().describe("as the exchange names them; without any, all that there are"),
    from: replayTime.describe("a date or a time in UTC"),
    to: replayTime.describe("the same; messages before it are sent"),
    dataTypes: z.array(dataType).min(1),
    withDisconnectMessages: z.boolean().nullish(),
  })
  .refine(({ from, to }) => from < to, { path: ["to"], message: "must be after from" });
export type NormalizedReplay = z.output<typeof normalizedReplay>;

/** JSON in a parameter of a query. */
const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "must be JSON, encoded for an address" });
    return z.NEVER;
  }
});

/** What is asked for, or a list of that. */
const normalizedReplays = jsonText
  .transform((given) => (Array.isArray(given) ? given : [given]))
  .pipe(z.array(normalizedReplay).min(1).max(mostMarkets));

export const normalizedReplayQuery = z.object({
  options: normalizedReplays.describe(
    'JSON, such as {"exchange":"binance","symbols":["BTCUSDT"],"from":"2024-08-08","to":"2024-08-09","dataTypes":["trade","book_change"]}, or a list of these',
  ),
});

const market = { symbol: z.string(), exchange: z.string() };
const times = {
  timestamp: isoTime.describe("by the venue's clock"),
  localTimestamp: isoTime.describe("by the recorder's; never earlier than in the message before"),
};
const levels = z.array(z.object({ price: z.number(), amount: z.number() }));

/** A line of an answer: Tardis' normalized messages. */
export const normalizedMessage = z
  .discriminatedUnion("type", [
    z.object({
      type: z.literal("trade"),
      ...market,
      id: z.string().nullable(),
      price: z.number(),
      amount: z.number(),
      side: z.enum(["buy", "sell", "unknown"]).describe("the taker's"),
      ...times,
    }),
    z.object({
      type: z.literal("book_change"),
      ...market,
      isSnapshot: z.boolean().describe("these are all levels: what the reader had before is replaced"),
      bids: levels.describe("in the source's order; an amount of 0 removes the level"),
      asks: levels,
      ...times,
    }),
    z.object({
      type: z.literal("book_snapshot"),
      ...market,
      name: z.string().describe("the data type that was asked for"),
      depth: z.int(),
      interval: z.int().describe("milliseconds; 0: with every change"),
      bids: levels.describe("best first"),
      asks: levels,
      ...times,
    }),
    z.object({
      type: z.literal("trade_bar"),
      ...market,
      name: z.string().describe("the data type that was asked for"),
      interval: z.number().describe("milliseconds, trades, or the amount"),
      kind: z.enum(["time", "tick", "volume"]),
      ...{ open: z.number(), high: z.number(), low: z.number(), close: z.number(), volume: z.number() },
      ...{ buyVolume: z.number(), sellVolume: z.number(), trades: z.int(), vwap: z.number() },
      openTimestamp: isoTime,
      closeTimestamp: isoTime,
      ...times,
    }),
    z.object({
      type: z.literal("disconnect"),
      exchange: z.string(),
      symbols: z.array(z.string()),
      localTimestamp: isoTime,
    }),
  ])
  .meta({ id: "NormalizedMessage" });
export type NormalizedMessage = z.infer<typeof normalizedMessage>;

export const instrumentParams = z.object({ exchange: z.string() });
export const namedInstrumentParams = z.object({ exchange: z.string(), symbol: z.string() });

/** As Tardis' API describes an instrument; what a tape does not tell is 0 (fees) or follows from its symbol (currencies, type). */
export const tardisInstrument = z
  .object({
    id: z.string(),
    exchange: z.string(),
    baseCurrency: z.string(),
    quoteCurrency: z.string(),
    type: z.enum(["spot", "perpetual", "future"]),
    active: z.boolean().describe("a tape of it is growing"),
    availableSince: isoTime,
    availableTo: isoTime,
    priceIncrement: z.number().describe("one in the last decimal of the tape's prices"),
    amountIncrement: z.number(),
    minTradeAmount: z.number(),
    makerFee: z.number(),
    takerFee: z.number(),
    inverse: z.boolean().optional(),
    contractMultiplier: z.number().optional(),
  })
  .meta({ id: "TardisInstrument" });
export type TardisInstrument = z.infer<typeof tardisInstrument>;

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional();

/** Which instruments are listed: those that fit all of it. */
const instrumentFilter = z.strictObject({
  baseCurrency: oneOrMore,
  quoteCurrency: oneOrMore,
  type: oneOrMore,
  contractType: oneOrMore,
  active: z.boolean().optional(),
});
export type InstrumentFilter = z.output<typeof instrumentFilter>;

export const instrumentsQuery = z.object({
  filter: jsonText.pipe(instrumentFilter).optional().describe('JSON, such as {"quoteCurrency":["USDT"]}'),
});

const channelFilter = z.object({ channel: z.string(), symbols: z.array(z.string()).nullish() });

/** A minute of an exchange's own messages. */
export const dataFeedQuery = z.object({
  from: replayTime.describe("a date or a time in UTC"),
  offset: decimalText(z.int().nonnegative("must be at least 0"))
    .default(0)
    .describe("minutes after it, at which the minute begins"),
  filters: jsonText
    .pipe(z.array(channelFilter))
    .default([])
    .describe('JSON, such as [{"channel":"trade","symbols":["btcusdt"]}]; by default all channels of all symbols'),
});
export type DataFeedQuery = z.output<typeof dataFeedQuery>;
