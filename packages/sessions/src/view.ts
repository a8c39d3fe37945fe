import { type FeedStatus, isoOfMs, limits, mode, type SessionView, type WallMs } from "@tapedeck/protocol";
import type { Tape, TapePosition } from "@tapedeck/tape";
import type { SessionRecord } from "./rules/record.js";
import { markToMarket } from "./trading/account.js";

export interface ViewContext {
  /** Where the playhead is now, from `positionAt`; undefined without a tape. */
  readonly position: TapePosition | undefined;
  readonly tape: Pick<Tape, "iso" | "span"> | undefined;
  readonly now: WallMs;
  readonly connections: number;
  /** Mid price of the frame at `position`, from `midAt`; only what a user holds is valued at it. */
  readonly mid?: number | undefined;
  /** In LIVE: how the session's feed is. */
  readonly feed?: FeedStatus | undefined;
}

/** A session as clients see it: exactly the keys that the protocol names. Pure. */
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
    expires_at: isoOfMs(record.lastActivity + record.ttl * 1000),
    ...(record.mode === "SIMULATION" ? { account: markToMarket(record.account, mid) } : {}),
    ...(feed ? { feed } : {}),
    ...(keptModes.length > 0 ? { kept_modes: keptModes } : {}),
  };
}

/** Frames of history that a newcomer gets. */
function bufferSize({ seq }: TapePosition, { historyFromSeq }: SessionRecord): number {
  return Math.max(0, Math.min(limits.historyFrames, seq - historyFromSeq + 1));
}
