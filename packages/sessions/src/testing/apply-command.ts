import { type Command, isRefusal, type Refusal, type WallMs } from "@tapedeck/protocol";
import { apply } from "../rules/apply.js";
import type { Tapes } from "../rules/choose-mode.js";
import type { SystemCommand } from "../rules/commands.js";
import { newSession } from "../rules/new-session.js";
import type { SessionRecord } from "../rules/record.js";
import { resolve } from "../rules/resolve.js";
import type { CreateChoice } from "../service.js";

/** Redis's clock at the beginning of every test of the rules. */
export const noon: WallMs = 1_735_732_800_000;

/** A new session by the rules alone; throws what they refuse. */
export async function createdSession(tapes: Tapes, choice: CreateChoice = {}, now = noon): Promise<SessionRecord> {
  return expectAccepted(await newSession("session", choice, { now, ttl: 3600 }, tapes));
}

/** What the rules make of a session and a command, as `Deck.perform` does between its read and its write. */
export async function applyCommand(
  session: SessionRecord,
  command: Command | SystemCommand,
  now: WallMs,
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const resolved = await resolve(session, command, now, tapes, { sinceRead: () => 0 });
  return isRefusal(resolved) ? resolved : apply(session, resolved.instruction, resolved.moment);
}

export function expectAccepted(value: SessionRecord | Refusal): SessionRecord {
  if (isRefusal(value)) throw new Error(`${value.refused}: ${value.message}`);
  return value;
}
