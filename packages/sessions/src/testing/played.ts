import { type Command, isRefusal, type Refusal, type WallMs } from "@tapedeck/protocol";
import { apply } from "../apply.js";
import type { Tapes } from "../choose-mode.js";
import { newSession } from "../create.js";
import type { CreateChoice } from "../deck.js";
import type { SystemCommand } from "../instruction.js";
import type { SessionRecord } from "../record.js";
import { resolve } from "../resolve.js";

/** Redis's clock at the beginning of every test of the rules. */
export const noon: WallMs = 1_735_732_800_000;

/** A new session by the rules alone; throws what they refuse. */
export async function born(tapes: Tapes, choice: CreateChoice = {}, now = noon): Promise<SessionRecord> {
  return unrefused(await newSession("session", choice, { now, ttl: 3600 }, tapes));
}

/** What the rules make of a session and a command, as `Deck.perform` does between its read and its write. */
export async function told(
  session: SessionRecord,
  command: Command | SystemCommand,
  now: WallMs,
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const resolved = await resolve(session, command, now, tapes, { sinceRead: () => 0 });
  return isRefusal(resolved) ? resolved : apply(session, resolved.instruction, resolved.moment);
}

export function unrefused(value: SessionRecord | Refusal): SessionRecord {
  if (isRefusal(value)) throw new Error(`${value.refused}: ${value.message}`);
  return value;
}
