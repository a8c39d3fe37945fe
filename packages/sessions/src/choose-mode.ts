import { randomInt } from "node:crypto";
import { type Command, type FeedStatus, isRefusal, liveInstrument, type Refusal, refuse } from "@tapedeck/protocol";
import { type ForkedTape, type GivenOrder, type Position, simulatedTapeFor } from "@tapedeck/tape";
import type { Instruction } from "./instruction.js";
import type { DeckTape } from "./playhead.js";
import type { SessionRecord } from "./record.js";

export type SourceWish = { tape?: string | undefined; symbol?: string | undefined; source?: string | undefined };

/** Where tapes come from; `TapeCatalog` of packages/tape is one. */
export interface Tapes {
  /** Opens `id@version`. Throws `TapeNotFound`. */
  open(id: string): Promise<DeckTape>;
  /** The tape for a wish; for an empty one the default. Undefined where there is none such. */
  choose(wish: SourceWish, defaultTape?: string): Promise<DeckTape | undefined>;
  /** What an order of a session's user makes of a simulated tape; undefined where the order gets nothing. */
  fork(
    tape: string,
    session: string,
    order: Omit<GivenOrder, "id" | "after" | "filled">,
  ): Promise<ForkedTape | undefined>;
  /** Has the feed of an instrument run; its growing tape, where there is one already. */
  live(source: string, symbol: string): Promise<DeckTape | undefined>;
}

/** What a session played until now. */
type Before = Pick<SessionRecord, "mode" | "tape" | "symbol" | "source" | "seed" | "scenario">;

type ModeInstruction = Extract<Instruction, { type: "mode" }>;

const simulatedSymbol = "BTCUSDT";
const beginning: Position = { seq: 0, ns: 0 };

/**
 * What a mode plays. A REPLAY that names no tape stays with the session's own, from its start; so does a SIMULATION with symbol,
 * seed and scenario.
 */
export async function chooseMode(
  wish: Omit<Extract<Command, { type: "mode" }>, "type">,
  session: Before | undefined,
  tapes: Tapes,
): Promise<ModeInstruction | Refusal> {
  const seed = wish.seed === undefined ? "" : `${wish.seed}`;
  const scenario = wish.scenario ?? "";
  const common = { type: "mode", mode: wish.mode, seed, scenario } as const;
  switch (wish.mode) {
    case "REPLAY":
      return replay(wish, session, tapes, common);
    case "LIVE": {
      const instrument = liveInstrument(wish);
      if (isRefusal(instrument)) return instrument;
      const tape = await tapes.live(instrument.source, instrument.symbol);
      const start = tape === undefined ? beginning : newestOf(tape);
      return { ...common, ...instrument, tape: tape?.id ?? "", start, feed: null };
    }
    case "SIMULATION":
      return simulation(wish, session);
  }
}

/** Without a seed anywhere one is drawn, once: the session keeps it, so all its nodes play one market. */
function simulation(
  { symbol, source = "SIMULATION", seed, scenario }: Omit<Extract<Command, { type: "mode" }>, "type">,
  session: Before | undefined,
): ModeInstruction | Refusal {
  const own = session?.mode === "SIMULATION" && session.seed !== "" ? session : undefined;
  const wish = {
    symbol: symbol ?? own?.symbol ?? simulatedSymbol,
    seed: `${seed ?? own?.seed ?? randomInt(2 ** 32)}`,
    scenario: scenario ?? own?.scenario,
  };
  const found = simulatedTapeFor(wish);
  if (isRefusal(found)) return found;
  return { type: "mode", mode: "SIMULATION", ...wish, ...found, source, start: beginning, feed: null };
}

async function replay(
  { tape: id, symbol, source }: SourceWish,
  session: Before | undefined,
  tapes: Tapes,
  common: Pick<ModeInstruction, "type" | "mode" | "seed" | "scenario">,
): Promise<ModeInstruction | Refusal> {
  const named = id !== undefined || symbol !== undefined || source !== undefined;
  const own = !named && session?.mode === "REPLAY" && session.tape !== "";
  const tape = own ? await tapes.open(session.tape) : await tapes.choose({ tape: id, symbol, source });
  const names = own
    ? { symbol: session.symbol, source: session.source }
    : { symbol: symbol ?? "", source: source ?? "" };
  if (tape !== undefined) {
    const start = { seq: tape.span.firstSeq, ns: tape.span.firstNs };
    return { ...common, ...names, tape: tape.id, start, feed: null };
  }
  if (named) return refuse("TAPE_NOT_FOUND", `There is no tape ${wishInWords({ tape: id, symbol, source })}.`);
  return { ...common, ...names, ...unserved("No tape has been imported yet.") };
}

/** The edge of a tape, if it grows. */
export function newestOf({ span }: DeckTape): Position {
  return { seq: span.lastSeq, ns: span.lastNs };
}

function wishInWords({ tape, symbol, source }: SourceWish): string {
  if (tape !== undefined) return tape;
  return [symbol && `of ${symbol}`, source && `from ${source}`].filter(Boolean).join(" ");
}

/** A mode that nothing serves yet is accepted all the same, and says so. */
function unserved(reason: string): { tape: string; start: Position; feed: FeedStatus } {
  return { tape: "", start: beginning, feed: { status: "down", reason: `${reason} The session shows no frames.` } };
}
