import { viewRefusal } from "@tapedeck/access";
import { limits } from "@tapedeck/protocol";
import { positionAt, type StoredSession } from "@tapedeck/sessions";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { openTape, withLiveTape } from "./session-access.js";

/**
 * The JSON of the last frames up to the playhead as recorded, oldest first: at most `atMost`, and none from before the start of the
 * session's history. Nothing is parsed.
 */
async function lastFrames(
  api: Api,
  { record, now }: StoredSession,
  atMost: number = limits.historyFrames,
): Promise<string[]> {
  const tape = await openTape(api, record);
  if (tape === undefined) return [];
  const { seq: last } = await positionAt(record, now, tape);
  const frames: string[] = [];
  for (let seq = Math.max(record.historyFromSeq, tape.span.firstSeq, last - atMost + 1); seq <= last; seq++) {
    const block = tape.block(seq) ?? (await tape.load(seq));
    frames.push(block.json(seq));
  }
  return frames;
}

/** The same by id. Empty for an absent or another user's session, since pages request data before they create their session. */
export async function framesOf(api: Api, id: string, { principal }: Caller, atMost?: number): Promise<string[]> {
  const found = await api.store.read(id);
  if (found === undefined || viewRefusal(principal, found.record) !== undefined) return [];
  return lastFrames(api, await withLiveTape(api, found), atMost);
}
