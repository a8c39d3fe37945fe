import { isoTime } from "../formats/time.js";
import { limits } from "../socket/limits.js";
import { effectiveSpreadOf, frame as frameSchema, trade as tradeSchema, tradeSide } from "./frame.js";

/**
 * The rules that clients rely on for every frame of every tape (docs/spec/frame.md), beyond what a schema can express. A frame has
 * all analytics fields or none, since a tape may be older than the analytics.
 */

type Report = (problem: string) => void;

/** The only fields that may be null. */
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

/** Fields added by the analytics: all or none. */
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

/** Further fields of live frames: all or none. */
const liveFields = ["exchange_ts", "ingest_ts", "source"];

const regimes = ["Calm", "Stressed", "Execution Hot", "Manipulation Suspected"];

/** Lists the rules that a frame breaks, one sentence each. */
export function checkFrame(frame: unknown): string[] {
  const problems: string[] = [];
  const report: Report = (problem) => problems.push(problem);
  if (!isFields(frame)) return ["a frame must be an object"];
  const absent = required.filter((name) => frame[name] === undefined);
  if (absent.length > 0) return [`missing: ${absent.join(", ")}`];
  const lacking = analyticsFields.filter((name) => frame[name] === undefined);
  if (lacking.length > 0 && lacking.length < analyticsFields.length)
    report(`analytics fields without ${lacking.join(", ")}`);
  checkValues(frame, "", report);
  const shape = frameSchema.safeParse(frame);
  for (const issue of shape.error?.issues ?? []) report(`${issue.path.join(".")}: ${issue.message}`);
  if (problems.length > 0) return problems;
  checkBook(frame, report);
  checkTrades(frame, report);
  checkFeatures(frame, report);
  checkAnomalies(frame.anomalies, report);
  return problems;
}

/** The same for a frame's text, which must be ASCII. */
export function checkFrameText(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
  if (/[^\x00-\x7f]/.test(text)) return ["contains a character that is not ASCII"];
  try {
    return checkFrame(JSON.parse(text));
  } catch (error) {
    return [`is not JSON: ${String(error)}`];
  }
}

/** Lists the rules that two consecutive frames of a tape break. */
export function checkNext(before: unknown, after: unknown): string[] {
  const [a, b] = [fieldsOf(before), fieldsOf(after)];
  const problems: string[] = [];
  const expected = numberOf(a.seq) + 1 + (b.skipped === undefined ? 0 : numberOf(b.skipped));
  if (b.seq !== expected) problems.push(`seq ${quoted(b.seq)} follows ${quoted(a.seq)}`);
  if (b.symbol !== a.symbol) problems.push(`symbol ${quoted(b.symbol)} follows ${quoted(a.symbol)}`);
  const [earlier, later] = [String(a.timestamp), String(b.timestamp)];
  if (later.length !== earlier.length) problems.push(`${later} and ${earlier} have different numbers of decimals`);
  else if (later < earlier) problems.push(`timestamp ${later} follows ${earlier}`);
  return problems;
}

/** Numbers must be finite and without float noise; only nullable fields may be null. */
function checkValues(value: unknown, path: string, report: Report): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) report(`${path} is ${value}`);
    else if (hasFloatNoise(value)) report(`${path} has float noise: ${value}`);
  } else if (value === null) {
    if (!nullable.has(path)) report(`${path} is null`);
  } else if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      if (!isSoundNumber(value[at])) checkValues(value[at], `${path}[${at}]`, report);
    }
  } else if (isFields(value)) {
    for (const [name, item] of Object.entries(value)) {
      if (!isSoundNumber(item)) checkValues(item, path === "" ? name : `${path}.${name}`, report);
    }
  }
}

/** Most values are: they need no path. */
function isSoundNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && !hasFloatNoise(value);
}

/** Whether a number has more than 15 significant digits. */
function hasFloatNoise(value: number): boolean {
  const text = String(value);
  if (text.length <= 15) return false;
  const [mantissa = ""] = text.replace("-", "").split("e");
  return mantissa.replace(".", "").replace(/^0+/, "").replace(/0+$/, "").length > 15;
}

function checkBook(frame: Record<string, unknown>, report: Report): void {
  const [bid, bidSize] = checkSide(frame.bids, "bids", -1, report);
  const [ask, askSize] = checkSide(frame.asks, "asks", 1, report);
  if (bid >= ask) report(`the first bid ${bid} is not below the first ask ${ask}`);
  const bestBid = bidSize > 0 ? bid : null;
  const bestAsk = askSize > 0 ? ask : null;
  if (frame.best_bid !== bestBid) report(`best_bid is ${quoted(frame.best_bid)} but the book has ${bestBid}`);
  if (frame.best_ask !== bestAsk) report(`best_ask is ${quoted(frame.best_ask)} but the book has ${bestAsk}`);
  if (frame.q_bid !== bidSize) report(`q_bid is ${quoted(frame.q_bid)} but the book has ${bidSize}`);
  if (frame.q_ask !== askSize) report(`q_ask is ${quoted(frame.q_ask)} but the book has ${askSize}`);
  const mid = numberOf(frame.mid_price);
  const microprice = numberOf(frame.microprice);
  const tolerance = Math.max(Math.abs(mid), 1) * 1e-9;
  if (Math.abs(numberOf(frame.divergence) - (microprice - mid)) > tolerance)
    report("divergence is not microprice - mid");
  if (bestBid === null || bestAsk === null) {
    if (frame.spread !== null) report(`spread is ${quoted(frame.spread)} with an empty side`);
    if (microprice !== mid) report("microprice of a one-sided book is not the last known mid");
    return;
  }
  if (Math.abs(numberOf(frame.spread) - (bestAsk - bestBid)) > tolerance) report("spread is not best ask - best bid");
  if (Math.abs(mid - (bestAsk + bestBid) / 2) > tolerance) report("mid_price is not midway between the best prices");
  if (microprice < bestBid - tolerance || microprice > bestAsk + tolerance) report("microprice is outside the spread");
}

/** Returns the best level. `direction` is +1 for asks, whose prices rise, and -1 for bids. */
function checkSide(levels: unknown, name: string, direction: 1 | -1, report: Report): [number, number] {
  const rows: unknown[] = Array.isArray(levels) ? levels : [];
  const numbers = rows.map((row) => (Array.isArray(row) ? row.map(numberOf) : []));
  for (let at = 1; at < numbers.length; at++) {
    const [before = 0, sizeBefore = 0] = numbers[at - 1] ?? [];
    const [price = 0, size = 0] = numbers[at] ?? [];
    if (direction * (price - before) <= 0) report(`${name}[${at}] ${price} is not further from the mid than ${before}`);
    if (sizeBefore === 0 && size > 0) report(`${name}[${at}] is a level after padding`);
  }
  if (numbers.length > 10 && numbers.some(([, size]) => size === 0)) report(`${name} is padded beyond ten levels`);
  return [numbers[0]?.[0] ?? 0, numbers[0]?.[1] ?? 0];
}

function checkTrades(frame: Record<string, unknown>, report: Report): void {
  const trades = Array.isArray(frame.trades) ? frame.trades.map(fieldsOf) : [];
  if (trades.length > limits.tradesPerMessage) report(`${trades.length} trades, more than ${limits.tradesPerMessage}`);
  if (frame.trade_classified !== trades.length > 0) report("trade_classified does not match whether there are trades");
  const last = trades.at(-1);
  if (last === undefined) {
    for (const name of tradeFields) if (frame[name] !== undefined) report(`${name} without trades`);
    return;
  }
  for (const name of tradeFields) if (frame[name] === undefined) report(`${name} is missing although there are trades`);
  const volume = trades.reduce((sum, { size }) => sum + numberOf(size), 0);
  if (Math.abs(volume - numberOf(frame.trade_volume)) > volume * 1e-9) {
    report(`trade_volume is ${quoted(frame.trade_volume)} but the trades add up to ${volume}`);
  }
  if (frame.last_trade_price !== last.price) report("last_trade_price is not the last trade's");
  if (frame.trade_side !== last.side) report("trade_side is not the last trade's");
  if (tradeSide.safeParse(last.side).data === "unknown" && frame.effective_spread !== null) {
    report("effective_spread is known although the side is not");
  }
  const { mid_price: mid, ...trade } = tradeSchema.parse(last);
  if (mid === undefined) return;
  const spread = effectiveSpreadOf(trade, mid);
  if (Math.abs(numberOf(frame.effective_spread ?? 0) - (spread ?? 0)) > Math.max(Math.abs(mid), 1) * 1e-9) {
    report(`effective_spread is ${quoted(frame.effective_spread)} but the last trade paid ${quoted(spread)}`);
  }
}

function checkFeatures(frame: Record<string, unknown>, report: Report): void {
  const between = rangeCheck(frame, report);
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
    report(`regime_label ${quoted(frame.regime_label)} is not that of regime ${quoted(frame.regime)}`);
  }
  checkRealizedSpread(frame, report);
  const gaps = frame.liquidity_gaps ?? [];
  if (!Array.isArray(gaps)) report("liquidity_gaps is not an array");
  for (const gap of Array.isArray(gaps) ? gaps : []) {
    const fields = fieldsOf(gap);
    const inGap = rangeCheck(fields, (problem) => report(`liquidity_gaps: ${problem}`));
    inGap("price", Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    inGap("volume", 0, Number.POSITIVE_INFINITY);
    inGap("level", 1, 10, 0);
    inGap("risk_score", 0, 100, 0);
    if (fields.side !== "bid" && fields.side !== "ask") report(`liquidity_gaps: side is ${quoted(fields.side)}`);
  }
  const live = liveFields.filter((name) => frame[name] !== undefined);
  if (live.length > 0 && live.length < liveFields.length)
    report(`a live frame must have all of ${liveFields.join(", ")}`);
  if (!/\.(\d{3}|\d{6}|\d{9})Z$/.test(String(frame.timestamp))) report("timestamp must have 3, 6 or 9 decimals");
}

/** The realized spread comes with the times of its trades, or both are null. */
function checkRealizedSpread(
  { realized_spread: spread, realized_spread_of: of }: Record<string, unknown>,
  report: Report,
) {
  if (spread === undefined || (spread === null && of === null)) return;
  if (typeof spread !== "number") report(`realized_spread is ${quoted(spread)}`);
  if (!Array.isArray(of) || of.length === 0 || of.some((time) => !isoTime.safeParse(time).success)) {
    report(`realized_spread_of is ${quoted(of)}, not the times of trades`);
  }
}

/** Fields that pages read from anomalies of a type, and the check of each. */
const anomalyFields: Record<string, Record<string, (value: unknown) => boolean>> = {
  LIQUIDITY_GAP: { gap_count: isNumber, affected_levels: isLevels, total_gap_volume: isNumber },
  SPOOFING: { side: isSide, volume_ratio: isNumber, price_level: isNumber },
  LAYERING: { side: isSide },
  ICEBERG_ORDER: { side: isSide },
  MOMENTUM_IGNITION: { direction: (value) => value === "UP" || value === "DOWN" },
};

/** Checks what the schema of an anomaly leaves open. Call it after the schema has been checked. */
function checkAnomalies(anomalies: unknown, report: Report): void {
  for (const anomaly of Array.isArray(anomalies) ? anomalies.map(fieldsOf) : []) {
    for (const [name, isValid] of Object.entries(anomalyFields[String(anomaly.type)] ?? {})) {
      if (!isValid(anomaly[name])) report(`${String(anomaly.type)}: ${name} is ${quoted(anomaly[name])}`);
    }
    if (anomaly.details !== undefined && !isFlat(anomaly.details))
      report(`${String(anomaly.type)}: details must be flat`);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function isSide(value: unknown): boolean {
  return value === "BID" || value === "ASK";
}

function isLevels(value: unknown): boolean {
  return Array.isArray(value) && value.every((level) => Number.isInteger(level) && level >= 1);
}

function isFlat(value: unknown): boolean {
  return isFields(value) && Object.values(value).every((item) => typeof item === "string" || typeof item === "number");
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return isFields(value) ? value : {};
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

function quoted(value: unknown): string {
  return JSON.stringify(value) ?? "absent";
}

/** Returns a check of a field, if it is present: a number from `low` to `high` with at most `decimals` decimals. */
function rangeCheck(fields: Record<string, unknown>, report: Report) {
  return (name: string, low: number, high: number, decimals = 12): void => {
    const value = fields[name];
    if (value === undefined) return;
    const number = numberOf(value);
    if (!(number >= low && number <= high)) report(`${name} is ${quoted(value)}, not from ${low} to ${high}`);
    else if (Number(number.toFixed(decimals)) !== number)
      report(`${name} ${number} has more than ${decimals} decimals`);
  };
}
