import type { Command, WallMs } from "@tapedeck/protocol";
import { feedUserOf } from "../feeds.js";
import { edgeOf, type Tapes } from "./choose-mode.js";
import type { Edge, SystemCommand } from "./commands.js";
import { momentOrLost, openIfPresent } from "./leave-tape.js";
import type { SessionRecord } from "./record.js";
import type { Resolution } from "./resolve.js";

/** In LIVE a deck that stands starts at the edge. */
export function startsAtEdge(session: SessionRecord, { type }: Command | SystemCommand): boolean {
  return (type === "start" || type === "resume") && session.mode === "LIVE" && session.state === "STOPPED";
}

/** The edge is that of the feed's tape of this moment, or of the one that it had. */
export async function resolveEdge(
  session: SessionRecord,
  { type }: Pick<Command | SystemCommand, "type">,
  now: WallMs,
  tapes: Tapes,
): Promise<Resolution> {
  const { mode, source, symbol } = session;
  const present = type === "tune" ? "present" : undefined;
  const live = mode === "LIVE" ? await tapes.live(source, symbol, feedUserOf(session), present) : undefined;
  const own = session.tape === "" ? undefined : await openIfPresent(session.tape, tapes);
  const tape = live ?? own;
  const edge: Edge | undefined = tape && { tape: tape.id, at: edgeOf(tape) };
  const moment = await momentOrLost(session, now, tapes);
  if (type === "tune") return { instruction: { type, edge, lost: session.tape !== "" && own === undefined }, moment };
  return { instruction: { type: "live", edge }, moment };
}
