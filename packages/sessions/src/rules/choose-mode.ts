import { randomInt } from "node:crypto";
import {
  type Command,
  type FeedStatus,
  isRefusal,
  liveInstrument,
  type Mode,
  type Refusal,
  refuse,
  type TapeNs,
} from "@tapedeck/protocol";
import { type ForkedTape, openIfExists, type PlacedOrder, simulatedTapeFor, type TapePosition } from "@tapedeck/tape";
import type { FeedUser } from "../feeds.js";
import { beginning, type ResolvedCommand } from "./commands.js";
import type { SeekableTape } from "./playhead.js";
import type { KeptMode, SessionRecord } from "./record.js";

/** Which tape to play; all fields absent: the default tape. */
export type TapeSelector = { tape?: string | undefined; symbol?: string | undefined; source?: string | undefined };

/** Where tapes come from; `TapeCatalog` of packages/tape is one. */
export interface Tapes {
  /** Opens `id@version`. Throws `TapeNotFound`. */
  open(id: string): Promise<SeekableTape>;
  /** The tape that a selector names; undefined if there is no such tape. */
  choose(selector: TapeSelector, defaultTape?: string): Promise<SeekableTape | undefined>;
  /** Forks a simulated tape by an order; undefined if the order gets no fill. */
  fork(
    tape: string,
    session: string,
    order: Omit<PlacedOrder, "id" | "after" | "filled">,
  ): Promise<ForkedTape | undefined>;
  /** A simulated tape without what actions sent after `until` took from its market. Resolves to its `id@version`. */
  undo(tape: string, until: TapeNs): Promise<string>;
  /**
   * Requests the feed of an instrument for a session. Returns its growing tape, if there is one already. With `current`, for the
   * instrument that the session plays already, a refused request still returns a tape that the feed makes for other sessions.
   */
  live(source: string, symbol: string, user: FeedUser, current?: "current"): Promise<SeekableTape | undefined>;
}

type ModeRequest = Omit<Extract<Command, { type: "mode" }>, "type">;
type ResolvedModeCommand = Extract<ResolvedCommand, { type: "mode" }>;

const simulatedSymbol = "BTCUSDT";

/**
 * Decides what a mode plays. A request that names nothing, or only what the session plays in that mode or played when it left
 * the mode, resumes that. Any other begins anew.
 */
export async function chooseMode(
  request: ModeRequest,
  session: SessionRecord | undefined,
  tapes: Tapes,
  user: FeedUser,
): Promise<ResolvedModeCommand | Refusal> {
  const own = session && keptModeOf(session, request.mode);
  switch (request.mode) {
    case "REPLAY":
      return replay(request, own, tapes);
    case "LIVE":
      return live(request, own, tapes, user);
    case "SIMULATION":
      return simulation(request, own, tapes);
  }
}

/** What a session plays in a mode, or played when it left that mode; undefined if it has not been in it. */
function keptModeOf(session: SessionRecord, mode: Mode): KeptMode | undefined {
  return session.mode === mode ? session : (session.kept[mode] ?? undefined);
}

async function replay(
  { tape: id, symbol, source }: TapeSelector,
  own: KeptMode | undefined,
  tapes: Tapes,
): Promise<ResolvedModeCommand | Refusal> {
  const named = id !== undefined || symbol !== undefined || source !== undefined;
  const kept = own && (await isStillAvailable(own, tapes)) ? own : undefined;
  const sameNames = id === undefined && (symbol ?? "") === own?.symbol && (source ?? "") === own.source;
  if (kept !== undefined && (!named || sameNames)) return { type: "mode", mode: "REPLAY", resumes: kept };
  const tape = await tapes.choose({ tape: id, symbol, source });
  if (kept !== undefined && tape?.id === kept.tape) {
    const names = { symbol: symbol ?? kept.symbol, source: source ?? kept.source };
    return { type: "mode", mode: "REPLAY", resumes: { ...kept, ...names } };
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

/** The session's own position behind the edge, if it has one; otherwise the edge of the feed's current tape. */
async function live(
  selector: TapeSelector,
  own: KeptMode | undefined,
  tapes: Tapes,
  user: FeedUser,
): Promise<ResolvedModeCommand | Refusal> {
  const named = selector.symbol !== undefined || selector.source !== undefined;
  const instrument = named || own === undefined ? liveInstrument(selector) : own;
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

/** If no seed is given or kept, one is drawn. The session keeps it, so that all nodes play the same market. */
async function simulation(
  { symbol, source, seed, scenario }: ModeRequest,
  own: KeptMode | undefined,
  tapes: Tapes,
): Promise<ResolvedModeCommand | Refusal> {
  const chosen = {
    symbol: symbol ?? own?.symbol ?? simulatedSymbol,
    seed: `${seed ?? own?.seed ?? randomInt(2 ** 32)}`,
    scenario: scenario ?? own?.scenario,
  };
  const found = simulatedTapeFor(chosen);
  if (isRefusal(found)) return found;
  const names = { ...chosen, ...found, source: source ?? own?.source ?? "SIMULATION" };
  const same = own?.symbol === names.symbol && own.seed === names.seed && own.scenario === names.scenario;
  if (own !== undefined && same && (await isStillAvailable(own, tapes))) {
    return { type: "mode", mode: "SIMULATION", resumes: { ...own, source: names.source } };
  }
  return { type: "mode", mode: "SIMULATION", begins: { ...names, start: beginning, feed: null } };
}

/** A tape may have been deleted meanwhile, or lost with the Redis that held its tail. */
async function isStillAvailable({ tape, anchorSeq }: KeptMode, tapes: Tapes): Promise<boolean> {
  const opened = tape === "" ? undefined : await openIfExists(tape, tapes);
  return opened !== undefined && anchorSeq <= opened.span.lastSeq;
}

/** The newest frame of a tape. */
export function edgeOf({ span }: SeekableTape): TapePosition {
  return { seq: span.lastSeq, ns: span.lastNs };
}

function describeSelector({ tape, symbol, source }: TapeSelector): string {
  if (tape !== undefined) return tape;
  return [symbol && `of ${symbol}`, source && `from ${source}`].filter(Boolean).join(" ");
}

/** A mode without a tape yet is accepted, and its feed status says why there are no frames. */
function withoutTape(reason: string): { tape: string; start: TapePosition; feed: FeedStatus } {
  return { tape: "", start: beginning, feed: { status: "down", reason: `${reason} The session shows no frames.` } };
}
