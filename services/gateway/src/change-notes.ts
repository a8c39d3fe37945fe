import type { StateCause } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Leg } from "./leg.js";
import type { Reception } from "./reception.js";
import { feedText, tradeEventText } from "./session-texts.js";
import { epochStart } from "./standing.js";
import type { Note } from "./viewer.js";

export interface Change {
  readonly before: SessionRecord;
  readonly record: SessionRecord;
  readonly cause: StateCause;
  readonly leg: Leg | Promise<Leg>;
  /** What was heard before the change, and with it. */
  readonly was: Reception;
  readonly now: Reception;
  /** The state in words. */
  readonly text: () => Promise<string>;
}

/** Causes that move a session from node to node and mean nothing to its users. */
const untold: ReadonlySet<StateCause> = new Set(["claimed"]);

/** What viewers come to because of a change of their session, in this order. */
export function notesOf({ before, record, cause, leg, was, now, text }: Change): Note[] {
  const told = untold.has(cause) ? undefined : once(text);
  // An order goes on where the playhead was, so its viewers first see all up to there.
  const forked = record.rev === before.rev + 1 && record.epochFromSeq === record.anchorSeq + 1;
  const until = { epoch: was.epoch, seq: forked ? Math.max(was.last, record.anchorSeq) : was.last };
  const notes: Note[] = [];
  if (record.epoch !== was.epoch) {
    // Word of a new epoch comes before its frames.
    notes.push({ passing: true, until, leg, from: epochStart(record), ...(told && { text: told }) });
  } else {
    // A state within an epoch comes after the frames that lead up to it: none follows word of a pause.
    notes.push({ passing: true, until, leg });
    if (told) notes.push({ passing: true, until: { epoch: record.epoch, seq: now.last }, text: told });
  }
  const { feed, lastFill } = record;
  if (lastFill !== null && lastFill.id !== before.lastFill?.id) notes.push({ text: () => tradeEventText(lastFill) });
  if (feed && (feed.status !== before.feed?.status || feed.reason !== before.feed.reason)) {
    notes.push({ text: () => feedText(feed) });
  }
  return notes;
}

/** All viewers are told the same words. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
