import type { Command, FeedStatus, Mode, StateCause, TapeNs, WallMs } from "@tapedeck/protocol";
import type { ForkedTape, Seq, TapePosition, Timeline } from "@tapedeck/tape";
import type { KeptMode } from "./record.js";

/** A command that nodes issue themselves. */
export type SystemCommand =
  /** The playhead is at the end of what is played. A ticker issues it; the rules check it. */
  | { type: "end"; node?: string }
  /** The same in a loop: back to the range's start. */
  | { type: "wrap"; node?: string }
  /** Ticker `node` renders the session from now on, whichever ticker did before. */
  | { type: "claim"; node: string }
  /** Ticker `node` gives the session back; `publishedSeq` is the last frame that it published, in `epoch`. */
  | { type: "release"; node: string; epoch: number; publishedSeq: Seq }
  /** No viewers for a while: the clock stops. Only the ticker that has claimed the session may do it. */
  | { type: "park"; node: string }
  /** A socket watches again: the clock goes on. */
  | { type: "unpark" }
  /** The clock jumped under ticker `node`: playing goes on from `at`, the last frame that it published. */
  | { type: "failover"; node: string; at: TapePosition }
  /** Ticker `node` has published nothing for long, and what it missed counts as published: of a session whose clock has gone on meanwhile. */
  | { type: "skip"; node: string }
  /** In LIVE: ticker `node` has published the whole tape, up to `seq`; gateways follow the edge from there. */
  | { type: "reach"; node: string; seq: Seq }
  /** In LIVE: the feed has another tape than the session, and the session follows its feed or has lost its tape. */
  | { type: "tune" }
  /** A node has delivered frame `seq` of `epoch`, which lies after a playhead that does not move: it was delivered before the pause took effect. */
  | { type: "shown"; epoch: number; seq: Seq }
  /** A node has seen (epoch, rev) of this session. If Redis has lost that, the session goes on in a new epoch. */
  | { type: "recover"; epoch: number; rev: number };

/** Every system command, with the cause that viewers see of what it changed. */
export const systemCauses: Readonly<Record<SystemCommand["type"], StateCause>> = {
  end: "ended",
  wrap: "loop",
  claim: "claimed",
  release: "claimed",
  park: "parked",
  unpark: "unparked",
  failover: "failover",
  skip: "failover",
  reach: "reached",
  tune: "tuned",
  shown: "command",
  recover: "recover",
};

export function isSystemCommand<C extends { readonly type: string }>(
  command: C,
): command is Extract<C, { type: SystemCommand["type"] }> {
  return command.type in systemCauses;
}

export function causeOf(command: ResolvedCommand): StateCause {
  if (!isSystemCommand(command)) return "command";
  return command.type === "claim" && command.stalledAt !== undefined ? "failover" : systemCauses[command.type];
}

/** The newest frame of a feed's tape. */
export interface Edge {
  /** `id@version` */
  readonly tape: string;
  readonly at: TapePosition;
}

/** What a mode plays that has nothing to resume, or is to play something else. */
interface FreshStart {
  readonly symbol: string;
  readonly source: string;
  /** `id@version`; empty if there is no tape for the mode. */
  readonly tape: string;
  readonly start: TapePosition;
  readonly seed: string;
  readonly scenario: string;
  readonly feed: FeedStatus | null;
}

/** A command whose positions have been looked up on the tape, so that the rules need no I/O. */
export type ResolvedCommand =
  | { type: "start" | "pause" | "resume" | "stop" }
  /** `edge` is undefined while the feed has brought no frame. */
  | { type: "live"; edge: Edge | undefined }
  | { type: "speed"; value: number }
  | Extract<Command, { type: "pace" }>
  | { type: "goback" | "seek" | "step"; to: TapePosition }
  | { type: "range"; fromNs: TapeNs | null; toNs: TapeNs | null; loop: boolean; start: TapePosition; end: TapePosition }
  | { type: "mode"; mode: Mode; begins: FreshStart }
  /** `edge`: where LIVE resumes unless at its own position; its tape is empty while the feed has none. */
  | { type: "mode"; mode: Mode; resumes: KeptMode; edge?: Edge }
  | { type: "order"; forked: ForkedTape }
  | Exclude<SystemCommand, { type: "claim" | "reach" | "shown" | "tune" }>
  | { type: "reach"; node: string; at: TapePosition }
  | { type: "shown"; epoch: number; at: TapePosition }
  /** `lost`: the session's own tape no longer exists. */
  | { type: "tune"; edge: Edge | undefined; lost: boolean }
  /** `stalledAt`: the last published frame, if nothing has been rendered for more than `stallMs`. */
  | { type: "claim"; node: string; stalledAt?: TapePosition };

/** Commands that need positions on the session's own tape, or none. */
export type CommandOnTape = Exclude<Command | SystemCommand, { type: "mode" | "order" | "live" | "tune" }>;

/** When a command is applied, and where the session's positions are then. */
export interface Moment {
  readonly now: WallMs;
  /** The playhead. */
  readonly here: TapePosition;
  /** First frame of what is played. */
  readonly start: TapePosition;
  /** Last frame of what is played, and the time at which playing ends; the edge of a growing tape. */
  readonly end: TapePosition;
  readonly timeline: Timeline;
  /** Whether the end moves as the tape grows. */
  readonly growing: boolean;
}

/** A resolved command and the moment to apply it at. */
export interface Resolution {
  readonly command: ResolvedCommand;
  readonly moment: Moment;
  /** Redis's time after which it may no longer be written; absent: any time. */
  readonly by?: WallMs;
}

/** A ticker whose clock is ahead publishes a frame at most so long before it is due by Redis's clock. */
export const clockErrorMs = 100;

/** Write commands this long before the frame that depends on them is due: the clocks of two nodes may differ by that much. */
export const writeLeadMs = 5;

export const beginning: TapePosition = { seq: 0, ns: 0 };

/** The moment of a session without a tape: all its positions are the same. */
export function momentWithoutTape(now: WallMs): Moment {
  const timeline: Timeline = { playingOf: (ns) => ns, tapeOf: (ns) => ns };
  return { now, here: beginning, start: beginning, end: beginning, timeline, growing: false };
}
