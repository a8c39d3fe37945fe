import { isDeepStrictEqual } from "node:util";
import type { SessionFill } from "@tapedeck/protocol";
import { comparable, comparableFill, type ReportedTrade } from "../../support/venue/reconciled.js";
import type { SoakReport } from "./client-program.js";
import type { MarketName } from "./market.js";

/** What a session says of its orders. */
export interface SessionSide {
  readonly fills: readonly SessionFill[];
  /** Fills that rewinds undid. */
  readonly undone: readonly SessionFill[];
  /** Open orders. */
  readonly open: number;
  /** How often its market began anew: by a rewind, a loop, a jump. */
  readonly rewinds: number;
}

/** What a client reports of its orders. */
export type ReportedSide = Pick<SoakReport, "trades" | "told" | "open" | "placed" | "problems">;

interface Asked {
  readonly market: MarketName;
  readonly orders: number;
  readonly seconds: number;
  /** How long the client's user stream may be away after its socket was closed. */
  readonly awayS: number;
}

/**
 * Fills that an owner's rewind undoes before clients hear of them; a recording's loop comes after they have. And fills that only clients know: a branch is
 * what there was with the last frame, and until the rewind is written, they are told what goes on.
 */
const unknownPerRewind = 1;
/** Orders that may fail around a rewind: one that it undoes, and requests meanwhile. */
const problemsPerRewind = 4;
/** The share of orders that may be answered before they have arrived, since the market stood still or the machine was busy for two seconds. */
const lateShare = 0.05;

const isLate = ({ what }: ReportedSide["problems"][number]) => /is (NEW|PENDING_CANCEL) instead/.test(what);

const keyOf = (trade: ReportedTrade | undefined) => `${trade?.order}/${trade?.id}`;

/** What a client and its session disagree about; nothing if all is as it should be. Pure. */
export function disagreements(
  { trades, told, open, placed, problems }: ReportedSide,
  session: SessionSide,
  { market, orders, seconds, awayS }: Asked,
): string[] {
  const found: string[] = [];
  const fills = new Map([...session.fills, ...session.undone].map(comparableFill).map((fill) => [keyOf(fill), fill]));
  const mayNotKnow = market === "recorded" ? 0 : session.rewinds * unknownPerRewind;
  const compare = (name: string, reported: readonly ReportedTrade[]) => {
    const others = reported.map(comparable).filter((trade) => !isDeepStrictEqual(fills.get(keyOf(trade)), trade));
    const isUndone = others.every((each) => !fills.has(keyOf(each))) && others.length <= mayNotKnow;
    if (others.length === 0 || isUndone) return;
    const [trade] = others;
    const fill = JSON.stringify(fills.get(keyOf(trade)) ?? "no such fill");
    found.push(
      `${name} has ${others.length} trades that differ, such as ${JSON.stringify(trade)}, the session ${fill}`,
    );
  };
  compare("its list of trades", trades);
  compare("its user stream", told);
  const toldKeys = new Set(told.map(keyOf));
  const known = new Set([...trades.map(keyOf), ...toldKeys]);
  const unknown = (of: readonly SessionFill[]) => of.map(comparableFill).filter((fill) => !known.has(keyOf(fill)));
  const standing = unknown(session.fills);
  if (standing.length > 0)
    found.push(`it does not know ${standing.length} fills, such as ${JSON.stringify(standing[0])}`);
  const undone = unknown(session.undone);
  if (undone.length > mayNotKnow)
    found.push(
      `it does not know ${undone.length} fills that ${session.rewinds} rewinds undid, such as ${keyOf(undone[0])}`,
    );
  const missed = [...fills.keys()].filter((key) => !toldKeys.has(key)).length;
  const mayMiss = session.rewinds * awayS * (fills.size / seconds);
  if (missed > mayMiss) found.push(`its user stream lacks ${missed} fills, after ${session.rewinds} rewinds`);
  if (fills.size < orders / 3) found.push(`only ${fills.size} fills of ${orders} orders`);
  if (placed < orders) found.push(`only ${placed} of ${orders} orders are placed`);
  if (open !== session.open) found.push(`${open} orders are open for it, ${session.open} in the session`);
  const late = problems.filter(isLate);
  if (late.length > orders * lateShare) found.push(`${late.length} orders are answered late`);
  const others = problems.filter((problem) => !isLate(problem));
  if (others.length > session.rewinds * problemsPerRewind)
    found.push(`${others.length} problems after ${session.rewinds} rewinds, such as ${others.at(-1)?.what}`);
  return found;
}
