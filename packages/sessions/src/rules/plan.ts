import type { TapeNs, WallMs } from "@tapedeck/protocol";
import type { Pace, Seq, Tape } from "@tapedeck/tape";
import { endNsOf, wallAt } from "./playhead.js";
import type { SessionRecord } from "./record.js";

/** What is played of a tape and how, until the session changes. Every node that renders the session derives the same plan. */
export interface PlaybackPlan {
  readonly record: SessionRecord;
  readonly tape: Tape;
  readonly pace: Pace;
  /** Last frame to be played, and the tape time at which playing ends; Infinity: as far as a growing tape goes. */
  readonly last: Seq;
  readonly endNs: TapeNs;
}

/** Rejects as `tape.seqAt` does, which the end of a range needs. */
export async function planPlayback(record: SessionRecord, tape: Tape): Promise<PlaybackPlan> {
  const { anchorNs, speed, maxFps } = record;
  const pace = { timeline: tape.timeline(record.gaps), anchorNs, speed, maxFps };
  if (tape.span.growing && record.toNs === null) return { record, tape, pace, last: Infinity, endNs: Infinity };
  const { lastNs, lastSeq } = tape.span;
  const endNs = endNsOf(record, tape.span);
  return { record, tape, pace, last: endNs === lastNs ? lastSeq : await tape.seqAt(endNs), endNs };
}

/** When what is played reaches its end, on Redis's clock; on a growing tape, the end of what there is. */
export function endsAt({ record, tape, pace, endNs }: PlaybackPlan): WallMs {
  return wallAt(record, Math.min(endNs, tape.span.lastNs), pace.timeline);
}

/** Whether the end of what is played moves as the tape grows. */
export function willGrow({ toNs }: Pick<SessionRecord, "toNs">, { span }: Pick<Tape, "span">): boolean {
  return span.growing && (toNs === null || toNs > span.lastNs);
}
