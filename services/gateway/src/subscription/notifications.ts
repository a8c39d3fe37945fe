import type { StateCause } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import { type DeliveryCursor, seqBeforeEpoch } from "./delivery-rule.js";
import type { PlaybackSegment } from "./playback-segment.js";
import { feedMessage, tradeEventMessage } from "./session-messages.js";

interface Position {
  readonly epoch: number;
  readonly seq: Seq;
}

/** Makes a message when its turn has come. Legacy clients do not get it. */
type MessageSource = () => string | Promise<string>;

/** What a client stream handles in order, between frames. `after`: a stream in that epoch first sends its frames up to there. */
export type StreamItem =
  /** An answer or a notice. */
  | { readonly type: "message"; readonly message: MessageSource }
  /** The session changed within its epoch. A later state replaces it while it waits. */
  | { readonly type: "state"; readonly after: Position; readonly message: MessageSource }
  /** The next frames come from another segment of the same epoch. */
  | {
      readonly type: "segment";
      readonly after?: Position;
      readonly segment: PlaybackSegment | Promise<PlaybackSegment>;
    }
  /** A new epoch, whose frames begin after `startAfter`. Its message precedes them; causes that clients do not see have none. */
  | {
      readonly type: "epoch";
      readonly after: Position;
      readonly segment: PlaybackSegment | Promise<PlaybackSegment>;
      readonly startAfter: Seq;
      readonly message?: MessageSource;
    }
  /** The first frames of a stream, or of an epoch that it missed: those after `startAfter` up to `upTo`, as `history` messages. */
  | {
      readonly type: "history";
      readonly after?: Position;
      readonly segment: PlaybackSegment | Promise<PlaybackSegment>;
      readonly startAfter: Seq;
      readonly upTo: Seq;
      /** What happened to the session's orders until this frame is not sent: the client has it, or asks for it. */
      readonly toldUpTo: Seq;
      readonly complete: boolean;
      readonly message: MessageSource;
    };

interface SessionChange {
  readonly before: SessionRecord;
  readonly record: SessionRecord;
  readonly cause: StateCause;
  readonly segment: PlaybackSegment | Promise<PlaybackSegment>;
  readonly cursorBefore: DeliveryCursor;
  readonly cursor: DeliveryCursor;
  /** The last frame of a round of the loop that was played before, if it is known. */
  readonly roundEnd: Seq | undefined;
  /** Makes the `state` message. */
  readonly message: (cause: StateCause) => Promise<string>;
}

/** Causes that users get no message of: a session that moves from ticker to ticker, and its orders, which have messages of their own. */
const internalCauses: ReadonlySet<StateCause> = new Set(["claimed", "acted"]);

/** What the streams of a session handle because it changed, in this order. */
export function notificationsFor(change: SessionChange): StreamItem[] {
  const { before, record, cause, segment, cursorBefore, cursor, roundEnd = -1 } = change;
  const isNext = record.rev === before.rev + 1;
  const isInternal = internalCauses.has(cause);
  // If an earlier change did not arrive, since the channel was interrupted, this one tells viewers of both.
  const message = isInternal && isNext ? undefined : once(() => change.message(isInternal ? "command" : cause));
  // An order forks the tape at the playhead, so clients first get all frames up to there.
  const forked = isNext && record.epochFromSeq === record.anchorSeq + 1;
  // A gateway that renders in place of a silent ticker may begin the next round before this one has rendered the rest.
  const wrapped = isNext && cause === "loop";
  const seq = Math.max(cursorBefore.lastSeq, forked ? record.anchorSeq : wrapped ? roundEnd : -1);
  const after = { epoch: cursorBefore.epoch, seq };
  const items: StreamItem[] = [];
  if (record.epoch !== cursorBefore.epoch) {
    // The state of a new epoch precedes its frames.
    items.push({ type: "epoch", after, segment, startAfter: seqBeforeEpoch(record), ...(message && { message }) });
  } else {
    // A state within an epoch follows the frames that lead up to it: no frame comes after the state of a pause.
    items.push({ type: "segment", after, segment });
    if (message) items.push({ type: "state", after: { epoch: record.epoch, seq: cursor.lastSeq }, message });
  }
  const { feed, lastFill } = record;
  if (lastFill !== null && lastFill.id !== before.lastFill?.id) {
    items.push({ type: "message", message: () => tradeEventMessage(lastFill) });
  }
  if (feed && (feed.status !== before.feed?.status || feed.reason !== before.feed.reason)) {
    items.push({ type: "message", message: () => feedMessage(feed) });
  }
  return items;
}

/** All streams send the same message, which is made once. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
