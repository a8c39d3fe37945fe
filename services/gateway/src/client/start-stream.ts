import { limits } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq, TapeCatalog } from "@tapedeck/tape";
import type { Subscriber } from "../subscription/delivery.js";
import type { StreamItem } from "../subscription/notifications.js";
import { type PlaybackSegment, segmentOf } from "../subscription/playback-segment.js";
import { feedMessage, type SessionMessages } from "../subscription/session-messages.js";
import type { SessionSubscription } from "../subscription/subscription.js";
import type { MissedFrames, ResumeOutcome } from "./resume.js";

export interface StartContext {
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly messages: SessionMessages;
}

/** Pushes the first messages of a new client: the session, a history, and the feed's status. Afterwards the subscription pushes changes. */
export function startStream(
  stream: Subscriber,
  subscription: SessionSubscription,
  missed: ResumeOutcome,
  context: StartContext,
): void {
  const present = typeof missed === "string" ? undefined : missed.at(-1);
  if (typeof missed !== "string" && present?.epoch === subscription.record.epoch) {
    for (const item of resumeItems(missed, present, subscription, context)) stream.push(item);
  } else {
    // A session that began another epoch while we read is not read again: the client starts afresh.
    stream.push(freshItem(subscription, missed === "no token", context));
  }
  const { feed } = subscription;
  if (feed) stream.push({ type: "message", message: () => feedMessage(feed) });
}

/** For each epoch that a client missed frames of: its state, then these frames. */
function resumeItems(
  missed: readonly MissedFrames[],
  present: MissedFrames,
  subscription: SessionSubscription,
  { tapes, messages }: StartContext,
): StreamItem[] {
  // As it is now: later states follow, and none may come after one that is newer.
  const { record, connections } = subscription;
  return missed.map((frames, nth) => {
    const isPresent = frames === present;
    const before = missed[nth - 1];
    return {
      type: "history",
      segment: isPresent ? subscription.segment : pastSegment(frames, subscription.record, tapes),
      startAfter: frames.after,
      upTo: isPresent ? subscription.lastSeq : frames.to,
      complete: true,
      toldUpTo: frames.after,
      ...(before && { after: { epoch: before.epoch, seq: before.to } }),
      message: () => {
        if (nth === 0) return messages.session(record, connections);
        if (isPresent) return messages.state(record, "command", connections);
        // Only the place of an ended epoch is remembered; the rest of the state is the present one.
        const past = { ...record, epoch: frames.epoch, tape: frames.tape };
        return messages.state(past, "command", connections, frames.to);
      },
    };
  });
}

async function pastSegment(
  { epoch, tape, chain }: MissedFrames,
  record: SessionRecord,
  tapes: StartContext["tapes"],
): Promise<PlaybackSegment> {
  const opened = tape === "" ? undefined : await tapes.open(tape).catch(() => undefined);
  return segmentOf({ ...record, epoch, tape, chain, rev: -1 }, opened); // older than any other
}

function freshItem(subscription: SessionSubscription, complete: boolean, { messages }: StartContext): StreamItem {
  const { record, lastSeq, segment, connections } = subscription;
  return {
    type: "history",
    segment,
    startAfter: historyStart(record, lastSeq),
    upTo: lastSeq,
    toldUpTo: lastSeq,
    complete,
    message: () => messages.session(record, connections),
  };
}

/** The frame before a history of at most 100 frames up to `lastSeq`, none from before the session's history. */
function historyStart(record: SessionRecord, lastSeq: Seq): Seq {
  const first = Math.max(lastSeq - limits.historyFrames + 1, record.historyFromSeq);
  return Math.min(first - 1, lastSeq);
}
