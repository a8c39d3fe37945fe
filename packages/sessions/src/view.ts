import { type FeedStatus, isoOfMs, limits, mode, type SessionView, type WallMs } from "@tapedeck/protocol";
import type { Tape, TapePosition } from "@tapedeck/tape";
import { z } from "zod";
import { positionAt, type SeekableTape } from "./rules/playhead.js";
import type { Lossless, SessionRecord } from "./rules/record.js";
import { expiresAt } from "./store/expiry.js";
import { markToMarket } from "./trading/account.js";

interface ViewContext {
  /** The playhead; undefined without a tape. */
  readonly position: TapePosition | undefined;
  readonly tape: Pick<Tape, "iso" | "span"> | undefined;
  readonly now: WallMs;
  readonly connections: number;
  /** Mid price of the frame at `position`, at which the user's holdings are valued. */
  readonly mid?: number | undefined;
  /** In LIVE: the status of the session's feed. */
  readonly feed?: FeedStatus | undefined;
}

/** A session as clients see it: exactly the keys of the protocol. Pure. */
export function viewOf(
  record: SessionRecord,
  { position, tape, connections, mid, feed = record.feed ?? undefined }: ViewContext,
): SessionView {
  const iso = (ns: number | null | undefined): string | null =>
    tape === undefined || ns === null || ns === undefined ? null : tape.iso(ns);
  const keptModes = mode.options.filter((each) => each !== record.mode && record.kept[each] !== null);
  const cursor = iso(position?.ns);
  return {
    session_id: record.id,
    user_id: record.userId || null,
    mode: record.mode,
    active_symbol: record.symbol || null,
    active_source: record.source || null,
    tape: record.tape || null,
    controller_state: {
      state: record.state,
      speed: record.speed,
      cursor_ts: cursor,
      cursor_seq: position?.seq ?? null,
      from_ts: iso(record.fromNs),
      to_ts: iso(record.toNs),
      loop: record.loop,
      max_fps: record.maxFps,
    },
    state: record.state,
    reason: record.reason || null,
    speed: record.speed,
    cursor_ts: cursor,
    epoch: record.epoch,
    rev: record.rev,
    parked: record.parked,
    behind_ms: tape?.span.growing && position ? Math.max(0, (tape.span.lastNs - position.ns) / 1e6) : null,
    buffer_size: position ? bufferSize(position, record) : 0,
    connections,
    created_at: isoOfMs(record.createdAt),
    last_activity: isoOfMs(record.lastActivity),
    expires_at: isoOfMs(expiresAt(record)),
    ...(record.mode === "SIMULATION" ? { account: markToMarket(record.account, mid) } : {}),
    ...(feed ? { feed } : {}),
    ...(record.lossless ? { pace: paceOf(record.lossless, record.speed) } : {}),
    ...(keptModes.length > 0 ? { kept_modes: keptModes } : {}),
  };
}

function paceOf({ window, bounded }: Lossless, speed: number): SessionView["pace"] {
  return { type: "lossless", window, speed: bounded ? speed : "max" };
}

/** Frames of history that a new client gets. */
function bufferSize({ seq }: TapePosition, { historyFromSeq }: SessionRecord): number {
  return Math.max(0, Math.min(limits.historyFrames, seq - historyFromSeq + 1));
}

/** What `viewSession` needs besides the session. */
interface ViewSources {
  /** The session's tape; undefined if it has none, or none that can be read. */
  readonly tape: (SeekableTape & Pick<Tape, "block" | "load">) | undefined;
  readonly now: WallMs;
  readonly connections: number;
  readonly feed?: FeedStatus | undefined;
  /** The position to show, null if it is unknown; absent: the playhead at `now`. */
  readonly position?: TapePosition | null;
}

/** A session as clients see it, with its playhead on its tape, and its holdings valued at the frame there. */
export async function viewSession(
  record: SessionRecord,
  { tape, now, connections, feed, position }: ViewSources,
): Promise<SessionView> {
  const here = position === undefined ? tape && (await positionAt(record, now, tape)) : (position ?? undefined);
  const mid = here && tape && (await midPriceAt(record, here, tape));
  return viewOf(record, { position: here, tape, now, connections, mid, feed });
}

const frameWithMid = z.object({ mid_price: z.number() });

/**
 * The mid price of the frame at a position, if the session holds something; undefined if it does not, or if the frame can't be
 * read. Not for the hot path: it parses the frame's JSON.
 */
async function midPriceAt(
  { mode, account }: Pick<SessionRecord, "mode" | "account">,
  { seq }: TapePosition,
  tape: Pick<Tape, "block" | "load">,
): Promise<number | undefined> {
  if (mode !== "SIMULATION" || account.position === 0) return undefined;
  try {
    const block = tape.block(seq) ?? (await tape.load(seq));
    return frameWithMid.parse(JSON.parse(block.json(seq))).mid_price;
  } catch {
    return undefined; // the view then says that the value is unknown
  }
}
