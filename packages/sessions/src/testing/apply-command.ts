import { type Command, isRefusal, type Refusal, type WallMs } from "@tapedeck/protocol";
import { apply } from "../rules/apply.js";
import type { Tapes } from "../rules/choose-mode.js";
import type { SystemCommand } from "../rules/commands.js";
import { type NewSessionOptions, newSession } from "../rules/new-session.js";
import type { SessionRecord } from "../rules/record.js";
import { resolve } from "../rules/resolve.js";

/** Redis's clock at the beginning of every test of the rules. */
export const noon: WallMs = 1_735_732_800_000;

/** A new session by the rules alone. Throws if they refuse it. */
export async function createdSession(tapes: Tapes, choice: NewSessionOptions = {}, now = noon): Promise<SessionRecord> {
  return expectAccepted(await newSession("session", choice, { now, ttl: 3600 }, tapes));
}

/** Applies a command by the rules alone, as `SessionService.perform` does between its read and its write. */
export async function applyCommand(
  session: SessionRecord,
  command: Command | SystemCommand,
  now: WallMs,
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const resolved = await resolve(session, command, now, tapes, { sinceRead: () => 0 });
  return isRefusal(resolved) ? resolved : apply(session, resolved.command, resolved.moment);
}

export function expectAccepted(value: SessionRecord | Refusal): SessionRecord {
  if (isRefusal(value)) throw new Error(`${value.refused}: ${value.message}`);
  return value;
}
