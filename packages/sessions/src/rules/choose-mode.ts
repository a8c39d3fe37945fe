import { randomInt } from "node:crypto";
import { type Command, type FeedStatus, isRefusal, liveInstrument, type Refusal, refuse } from "@tapedeck/protocol";
import { type ForkedTape, type PlacedOrder, simulatedTapeFor, type TapePosition } from "@tapedeck/tape";
import type { FeedUser } from "../feeds.js";
import type { ResolvedCommand } from "./commands.js";
import { keptModeOf } from "./kept-modes.js";
import { openIfPresent } from "./leave-tape.js";
import type { SeekableTape } from "./playhead.js";
import type { KeptMode, SessionRecord } from "./record.js";

export type TapeSelector = { tape?: string | undefined; symbol?: string | undefined; source?: string | undefined };

/** Where tapes come from; `TapeCatalog` of packages/tape is one. */
export interface Tapes {
  /** Opens `id@version`. Throws `TapeNotFound`. */
  open(id: string): Promise<SeekableTape>;
  /** The tape for a wish; for an empty one the default. Undefined where there is none such. */
  choose(wish: TapeSelector, defaultTape?: string): Promise<SeekableTape | undefined>;
  /** What an order of a session's user makes of a simulated tape; undefined where the order gets nothing. */
  fork(
    tape: string,
    session: string,
    order: Omit<PlacedOrder, "id" | "after" | "filled">,
  ): Promise<ForkedTape | undefined>;
  /**
   * Has the feed of an instrument run for a session; its growing tape, where there is one already. Where it is `present`, what the session
   * plays already, a refused wish keeps it from nothing that runs for others.
   */
  live(source: string, symbol: string, user: FeedUser, present?: "present"): Promise<SeekableTape | undefined>;
}

type ModeRequest = Omit<Extract<Command, { type: "mode" }>, "type">;
type ResolvedModeCommand = Extract<ResolvedCommand, { type: "mode" }>;

const simulatedSymbol = "BTCUSDT";
const beginning: TapePosition = { seq: 0, ns: 0 };

/**
 * What a mode plays. Where the wish names nothing, or nothing but what the session plays in that mode or played when it left it,
 * the mode resumes that. Else it begins anew.
 */
export async function chooseMode(
  wish: ModeRequest,
  session: SessionRecord | undefined,
  tapes: Tapes,
  user: FeedUser,
): Promise<ResolvedModeCommand | Refusal> {
  const own = session && keptModeOf(session, wish.mode);
  switch (wish.mode) {
    case "REPLAY":
      return replay(wish, own, tapes);
    case "LIVE":
      return live(wish, own, tapes, user);
    case "SIMULATION":
      return simulation(wish, own, tapes);
  }
}

async function replay(
  { tape: id, symbol, source }: TapeSelector,
  own: KeptMode | undefined,
  tapes: Tapes,
): Promise<ResolvedModeCommand | Refusal> {
  const named = id !== undefined || symbol !== undefined || source !== undefined;
  const there = own && (await isStillAvailable(own, tapes)) ? own : undefined;
  const likewise = id === undefined && (symbol ?? "") === own?.symbol && (source ?? "") === own.source;
  if (there !== undefined && (!named || likewise)) return { type: "mode", mode: "REPLAY", resumes: there };
  const tape = await tapes.choose({ tape: id, symbol, source });
  if (there !== undefined && tape?.id === there.tape) {
    const names = { symbol: symbol ?? there.symbol, source: source ?? there.source };
    return { type: "mode", mode: "REPLAY", resumes: { ...there, ...names } };
  }
  const names = { symbol: symbol ?? "", source: source ?? "", seed: "", scenario: "" };
  if (tape !== undefined) {
    const start = { seq: tape.span.firstSeq, ns: tape.span.firstNs };
    return { type: "mode", mode: "REPLAY", begins: { ...names, tape: tape.id, start, feed: null } };
  }
  if (named) return refuse("TAPE_NOT_FOUND", `There is no tape ${describeSelector({ tape: id, symbol, source })}.`);
  if (own?.tape === "") return { type: "mode", mode: "REPLAY", resumes: own };
  return { type: "mode", mode: "REPLAY", begins: { ...names, ...withoutTape("No tape has been imported yet.") } };
}

/** Its own place, if it has one there; else the edge of the tape that the feed makes now. */
async function live(
  wish: TapeSelector,
  own: KeptMode | undefined,
  tapes: Tapes,
  user: FeedUser,
): Promise<ResolvedModeCommand | Refusal> {
  const named = wish.symbol !== undefined || wish.source !== undefined;
  const instrument = named || own === undefined ? liveInstrument(wish) : own;
  if (isRefusal(instrument)) return instrument;
  const { symbol, source } = instrument;
  const tape = await tapes.live(source, symbol, user);
  const edge = { tape: tape?.id ?? "", at: tape === undefined ? beginning : edgeOf(tape) };
  if (own?.symbol === symbol && own.source === source) {
    const behind = !own.edge && (await isStillAvailable(own, tapes));
    return { type: "mode", mode: "LIVE", resumes: own, ...(behind ? {} : { edge }) };
  }
  const begins = { symbol, source, seed: "", scenario: "", tape: edge.tape, start: edge.at, feed: null };
  return { type: "mode", mode: "LIVE", begins };
}

/** Without a seed anywhere one is drawn, once: the session keeps it, so all its nodes play one market. */
async function simulation(
  { symbol, source, seed, scenario }: ModeRequest,
  own: KeptMode | undefined,
  tapes: Tapes,
): Promise<ResolvedModeCommand | Refusal> {
  const wish = {
    symbol: symbol ?? own?.symbol ?? simulatedSymbol,
    seed: `${seed ?? own?.seed ?? randomInt(2 ** 32)}`,
    scenario: scenario ?? own?.scenario,
  };
  const found = simulatedTapeFor(wish);
  if (isRefusal(found)) return found;
  const names = { ...wish, ...found, source: source ?? own?.source ?? "SIMULATION" };
  const same = own?.symbol === names.symbol && own.seed === names.seed && own.scenario === names.scenario;
  if (own !== undefined && same && (await isStillAvailable(own, tapes))) {
    return { type: "mode", mode: "SIMULATION", resumes: { ...own, source: names.source } };
  }
  return { type: "mode", mode: "SIMULATION", begins: { ...names, start: beginning, feed: null } };
}

/** A tape may have been deleted since, or lost with the Redis that held its end. */
async function isStillAvailable({ tape, anchorSeq }: KeptMode, tapes: Tapes): Promise<boolean> {
  const opened = tape === "" ? undefined : await openIfPresent(tape, tapes);
  return opened !== undefined && anchorSeq <= opened.span.lastSeq;
}

/** The edge of a tape, if it grows. */
export function edgeOf({ span }: SeekableTape): TapePosition {
  return { seq: span.lastSeq, ns: span.lastNs };
}

function describeSelector({ tape, symbol, source }: TapeSelector): string {
  if (tape !== undefined) return tape;
  return [symbol && `of ${symbol}`, source && `from ${source}`].filter(Boolean).join(" ");
}

/** A mode that nothing serves yet is accepted all the same, and says so. */
function withoutTape(reason: string): { tape: string; start: TapePosition; feed: FeedStatus } {
  return { tape: "", start: beginning, feed: { status: "down", reason: `${reason} The session shows no frames.` } };
}
