import { isoTime } from "../formats/time.js";
import { limits } from "../socket/limits.js";
import { checkAnomalies } from "./anomaly-rules.js";
import { effectiveSpreadOf, frame as frameSchema, trade as tradeSchema, tradeSide } from "./frame.js";
import { fieldsOf, isFields, numberOf, quoted, type Report, rangeCheck } from "./rule-reading.js";

/**
 * The rules that clients rely on for every frame of every tape (docs/spec/frame.md), beyond what a schema can say. A frame has
 * all fields of analytics or none: a tape may be older than they are.
 */

/** Fields that may be null, and nothing else may. */
const nullable = new Set([
  "best_bid",
  "best_ask",
  "spread",
  "effective_spread",
  "realized_spread",
  "realized_spread_of",
]);

const required = [
  "type",
  "seq",
  "timestamp",
  "symbol",
  "bids",
  "asks",
  "mid_price",
  "microprice",
  "best_bid",
  "best_ask",
  "spread",
  "q_bid",
  "q_ask",
  "divergence",
  "updates",
  "trades",
  "trade_classified",
  "anomalies",
];

/** What analytics add: all of it or nothing. */
const analyticsFields = [
  "obi",
  "ofi",
  "directional_prob",
  "vpin",
  "regime",
  "regime_label",
  "gap_count",
  "gap_severity_score",
  "liquidity_gaps",
  "spoofing_risk",
  "volume_volatility",
  "realized_spread",
  "realized_spread_of",
];

const tradeFields = ["trade_volume", "last_trade_price", "trade_side", "effective_spread"];

/** What live frames have besides: all of it or nothing. */
const liveFields = ["exchange_ts", "ingest_ts", "source"];

const regimes = ["Calm", "Stressed", "Execution Hot", "Manipulation Suspected"];

/** What is wrong with a frame, a sentence each; nothing where it keeps all rules. */
export function checkFrame(frame: unknown): string[] {
  const problems: string[] = [];
  const say: Report = (problem) => problems.push(problem);
  if (!isFields(frame)) return ["a frame is an object"];
  const absent = required.filter((name) => frame[name] === undefined);
  if (absent.length > 0) return [`missing: ${absent.join(", ")}`];
  const lacking = analyticsFields.filter((name) => frame[name] === undefined);
  if (lacking.length > 0 && lacking.length < analyticsFields.length) say(`analytics without ${lacking.join(", ")}`);
  checkValues(frame, "", say);
  const shape = frameSchema.safeParse(frame);
  for (const issue of shape.error?.issues ?? []) say(`${issue.path.join(".")}: ${issue.message}`);
  if (problems.length > 0) return problems;
  checkBook(frame, say);
  checkTrades(frame, say);
  checkFeatures(frame, say);
  checkAnomalies(frame.anomalies, say);
  return problems;
}

/** The same for a frame's text, which has to be ASCII. */
export function checkFrameText(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
  if (/[^\x00-\x7f]/.test(text)) return ["a character is not ASCII"];
  try {
    return checkFrame(JSON.parse(text));
  } catch (error) {
    return [`no JSON: ${String(error)}`];
  }
}

/** What is wrong between one frame of a tape and the next one. */
export function checkNext(before: unknown, after: unknown): string[] {
  const [a, b] = [fieldsOf(before), fieldsOf(after)];
  const problems: string[] = [];
  const expected = numberOf(a.seq) + 1 + (b.skipped === undefined ? 0 : numberOf(b.skipped));
  if (b.seq !== expected) problems.push(`seq ${quoted(b.seq)} follows ${quoted(a.seq)}`);
  if (b.symbol !== a.symbol) problems.push(`symbol ${quoted(b.symbol)} follows ${quoted(a.symbol)}`);
  const [earlier, later] = [String(a.timestamp), String(b.timestamp)];
  if (later.length !== earlier.length) problems.push(`the decimals of ${later} are not those of ${earlier}`);
  else if (later < earlier) problems.push(`timestamp ${later} follows ${earlier}`);
  return problems;
}

/** Finite numbers without float noise, and null nowhere but where it means something. */
function checkValues(value: unknown, path: string, say: Report): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) say(`${path} is ${value}`);
    else if (significantDigits(value) > 15) say(`${path} has float noise: ${value}`);
  } else if (value === null) {
    if (!nullable.has(path)) say(`${path} is null`);
  } else if (Array.isArray(value)) {
    value.forEach((item, at) => {
      checkValues(item, `${path}[${at}]`, say);
    });
  } else if (isFields(value)) {
    for (const [name, item] of Object.entries(value)) checkValues(item, path === "" ? name : `${path}.${name}`, say);
  }
}

function significantDigits(value: number): number {
  const [mantissa = ""] = String(Math.abs(value)).split("e");
  return mantissa.replace(".", "").replace(/^0+/, "").replace(/0+$/, "").length;
}

function checkBook(frame: Record<string, unknown>, say: Report): void {
  const [bid, bidSize] = checkSide(frame.bids, "bids", -1, say);
  const [ask, askSize] = checkSide(frame.asks, "asks", 1, say);
  if (bid >= ask) say(`the first bid ${bid} is not below the first ask ${ask}`);
  const bestBid = bidSize > 0 ? bid : null;
  const bestAsk = askSize > 0 ? ask : null;
  if (frame.best_bid !== bestBid) say(`best_bid is ${quoted(frame.best_bid)} and the book says ${bestBid}`);
  if (frame.best_ask !== bestAsk) say(`best_ask is ${quoted(frame.best_ask)} and the book says ${bestAsk}`);
  if (frame.q_bid !== bidSize) say(`q_bid is ${quoted(frame.q_bid)} and the book says ${bidSize}`);
  if (frame.q_ask !== askSize) say(`q_ask is ${quoted(frame.q_ask)} and the book says ${askSize}`);
  const mid = numberOf(frame.mid_price);
  const microprice = numberOf(frame.microprice);
  const tolerance = Math.max(Math.abs(mid), 1) * 1e-9;
  if (Math.abs(numberOf(frame.divergence) - (microprice - mid)) > tolerance) say("divergence is not microprice - mid");
  if (bestBid === null || bestAsk === null) {
    if (frame.spread !== null) say(`spread is ${quoted(frame.spread)} with an empty side`);
    if (microprice !== mid) say("microprice of a one-sided book is not the last known mid");
    return;
  }
  if (Math.abs(numberOf(frame.spread) - (bestAsk - bestBid)) > tolerance) say("spread is not best ask - best bid");
  if (Math.abs(mid - (bestAsk + bestBid) / 2) > tolerance) say("mid_price is not in the middle of the best prices");
  if (microprice < bestBid - tolerance || microprice > bestAsk + tolerance) say("microprice lies outside the spread");
}

/** The first level; direction: +1 where prices rise. */
function checkSide(levels: unknown, name: string, direction: 1 | -1, say: Report): [number, number] {
  const rows: unknown[] = Array.isArray(levels) ? levels : [];
  const numbers = rows.map((row) => (Array.isArray(row) ? row.map(numberOf) : []));
  for (let at = 1; at < numbers.length; at++) {
    const [before = 0, sizeBefore = 0] = numbers[at - 1] ?? [];
    const [price = 0, size = 0] = numbers[at] ?? [];
    if (direction * (price - before) <= 0) say(`${name}[${at}] ${price} does not lie outward of ${before}`);
    if (sizeBefore === 0 && size > 0) say(`${name}[${at}] is a level behind padding`);
  }
  if (numbers.length > 10 && numbers.some(([, size]) => size === 0)) say(`${name} is padded beyond ten levels`);
  return [numbers[0]?.[0] ?? 0, numbers[0]?.[1] ?? 0];
}

function checkTrades(frame: Record<string, unknown>, say: Report): void {
  const trades = Array.isArray(frame.trades) ? frame.trades.map(fieldsOf) : [];
  if (trades.length > limits.tradesPerMessage) say(`${trades.length} trades, more than ${limits.tradesPerMessage}`);
  if (frame.trade_classified !== trades.length > 0) say("trade_classified is not whether there are trades");
  const last = trades.at(-1);
  if (last === undefined) {
    for (const name of tradeFields) if (frame[name] !== undefined) say(`${name} without trades`);
    return;
  }
  for (const name of tradeFields) if (frame[name] === undefined) say(`${name} is missing beside trades`);
  const volume = trades.reduce((sum, { size }) => sum + numberOf(size), 0);
  if (Math.abs(volume - numberOf(frame.trade_volume)) > volume * 1e-9) {
    say(`trade_volume is ${quoted(frame.trade_volume)} and the trades add up to ${volume}`);
  }
  if (frame.last_trade_price !== last.price) say("last_trade_price is not the last trade's");
  if (frame.trade_side !== last.side) say("trade_side is not the last trade's");
  if (tradeSide.safeParse(last.side).data === "unknown" && frame.effective_spread !== null) {
    say("effective_spread is known although the side is not");
  }
  const { mid_price: mid, ...trade } = tradeSchema.parse(last);
  if (mid === undefined) return;
  const spread = effectiveSpreadOf(trade, mid);
  if (Math.abs(numberOf(frame.effective_spread ?? 0) - (spread ?? 0)) > Math.max(Math.abs(mid), 1) * 1e-9) {
    say(`effective_spread is ${quoted(frame.effective_spread)} and the last trade paid ${quoted(spread)}`);
  }
}

function checkFeatures(frame: Record<string, unknown>, say: Report): void {
  const between = rangeCheck(frame, say);
  between("obi", -1, 1, 4);
  between("ofi", -1, 1, 4);
  between("directional_prob", 0, 100, 1);
  between("vpin", 0, 1);
  between("regime", 0, 3, 0);
  between("gap_count", 0, 20, 0);
  between("gap_severity_score", 0, Number.POSITIVE_INFINITY);
  between("spoofing_risk", 0, 100);
  between("volume_volatility", 0, Number.POSITIVE_INFINITY);
  if ((frame.regime ?? frame.regime_label) !== undefined && frame.regime_label !== regimes[numberOf(frame.regime)]) {
    say(`regime_label ${quoted(frame.regime_label)} is not that of regime ${quoted(frame.regime)}`);
  }
  checkRealizedSpread(frame, say);
  const gaps = frame.liquidity_gaps ?? [];
  if (!Array.isArray(gaps)) say("liquidity_gaps is no array");
  for (const gap of Array.isArray(gaps) ? gaps : []) {
    const fields = fieldsOf(gap);
    const inGap = rangeCheck(fields, (problem) => say(`liquidity_gaps: ${problem}`));
    inGap("price", Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    inGap("volume", 0, Number.POSITIVE_INFINITY);
    inGap("level", 1, 10, 0);
    inGap("risk_score", 0, 100, 0);
    if (fields.side !== "bid" && fields.side !== "ask") say(`liquidity_gaps: side is ${quoted(fields.side)}`);
  }
  const live = liveFields.filter((name) => frame[name] !== undefined);
  if (live.length > 0 && live.length < liveFields.length) say(`a live frame has all of ${liveFields.join(", ")}`);
  if (!/\.(\d{3}|\d{6}|\d{9})Z$/.test(String(frame.timestamp))) say("timestamp has not 3, 6 or 9 decimals");
}

/** Known of some trades, whose times stand beside it, or of none. */
function checkRealizedSpread(
  { realized_spread: spread, realized_spread_of: of }: Record<string, unknown>,
  say: Report,
) {
  if (spread === undefined || (spread === null && of === null)) return;
  if (typeof spread !== "number") say(`realized_spread is ${quoted(spread)}`);
  if (!Array.isArray(of) || of.length === 0 || of.some((time) => !isoTime.safeParse(time).success)) {
    say(`realized_spread_of is ${quoted(of)}, not the times of trades`);
  }
}
