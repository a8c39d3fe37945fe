import type { Violation } from "../history.js";
import { type Observations, type Shown, uncertainOrders } from "../observations.js";
import { frameOf, type TapeData, type Tapes } from "../tapes.js";
import { type Rule, violation } from "./rule.js";

/** [C3] [C33] [TP51] A frame is that of the tape, byte for byte, or the merge of the frames that it stands for. All frames of an epoch are of one tape. */
export const framesOfTape: Rule = (observed, tapes) => {
  const found: Violation[] = [];
  /** By epoch, the tapes that have all its frames so far. */
  const possible = new Map<number, readonly TapeData[]>();
  for (const { viewer, items } of observed.viewers) {
    for (const item of items) {
      if (item.kind !== "frame") continue;
      const { epoch } = item;
      const before = possible.get(epoch) ?? tapesOf(epoch, observed, tapes);
      const after = before.filter((tape) => flawOf(item, tape) === undefined);
      possible.set(epoch, after.length > 0 ? after : before);
      const [first] = before;
      const flaw = first && after.length === 0 ? flawOf(item, first) : undefined;
      if (flaw !== undefined) found.push(violation("C3", observed, { ...item, viewer }, flaw));
    }
  }
  return found;
};

/**
 * The tape that the newest view of an epoch names, and those that orders may have made of it later: an order that follows another stays in
 * its epoch, and if its answer was lost and the epoch ended before anybody saw a state, nobody was told the name of its tape.
 */
function tapesOf(epoch: number, observed: Observations, tapes: Tapes): readonly TapeData[] {
  const named = tapes.get(observed.tapes.get(epoch) ?? "");
  if (named === undefined) return [];
  let newest = [named];
  const found = [named];
  for (let orders = uncertainOrders(observed); orders > 0 && newest.length > 0; orders--) {
    const followed = new Set(newest.map(({ id }) => id));
    newest = [...tapes.values()].filter(({ follows }) => follows !== undefined && followed.has(follows));
    found.push(...newest);
  }
  return found;
}

function flawOf(shown: Shown, tape: TapeData): string | undefined {
  const { prev, seq, json, from } = shown;
  const newest = frameOf(tape, seq);
  if (seq < tape.firstSeq || seq > (tape.lastSeq ?? seq)) return `frame ${seq} is not on tape ${tape.id}`;
  if (newest === undefined) return undefined; // the tape's frames are no longer known, or not yet
  if (prev === seq - 1) {
    const same = json === newest.json || (from === "history" && sameJson(json, newest.json));
    return same ? undefined : `frame ${seq} is not that of tape ${tape.id}`;
  }
  const stretch: Record<string, unknown>[] = [];
  for (let at = prev + 1; at <= seq; at++) {
    const part = frameOf(tape, at);
    if (part === undefined) return undefined;
    stretch.push(parse(part.json));
  }
  const wrong = wrongField(parse(json), stretch);
  return wrong === undefined ? undefined : `the frames (${prev}, ${seq}] of ${tape.id} are merged wrongly: ${wrong}`;
}

/** The first field of a merged frame that is not what its stretch makes it. */
function wrongField(merged: Record<string, unknown>, stretch: readonly Record<string, unknown>[]): string | undefined {
  const newest = stretch.at(-1) ?? {};
  const trades = stretch.flatMap((frame) => listOf(frame, "trades"));
  const traded = stretch.findLast((frame) => listOf(frame, "trades").length > 0);
  const older = stretch.slice(0, -1).flatMap((frame) => listOf(frame, "anomalies"));
  const gaps = stretch.reduce((sum, frame) => sum + Number(frame.gap_before_ms ?? 0), 0);
  const expected: Record<string, unknown> = {
    ...newest,
    trades,
    trade_classified: trades.length > 0,
    last_trade_price: traded?.last_trade_price,
    trade_side: traded?.trade_side,
    effective_spread: traded?.effective_spread,
    anomalies: [...listOf(newest, "anomalies"), ...older],
    skipped: stretch.length - 1,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (field === "trade_volume" || field === "gap_before_ms") continue; // sums: compared below
    if (JSON.stringify(merged[field]) !== JSON.stringify(value)) return `${field} is not that of its frames`;
  }
  const volume = stretch.reduce((sum, frame) => sum + Number(frame.trade_volume ?? 0), 0);
  if (Math.abs(Number(merged.trade_volume ?? 0) - volume) > 1e-6 * volume) return "trade_volume is not their sum";
  if (Math.abs(Number(merged.gap_before_ms ?? 0) - gaps) > 0.01) return "gap_before_ms is not their sum";
  return undefined;
}

function sameJson(a: string, b: string): boolean {
  return a === JSON.stringify(JSON.parse(b));
}

function parse(json: string): Record<string, unknown> {
  return JSON.parse(json);
}

function listOf(frame: Record<string, unknown>, field: string): unknown[] {
  const list = frame[field];
  return Array.isArray(list) ? list : [];
}
