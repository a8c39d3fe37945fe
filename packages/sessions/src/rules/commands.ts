import type { FeedStatus, Mode, TapeNs, WallMs } from "@tapedeck/protocol";
import type { ForkedTape, Seq, TapePosition, Timeline } from "@tapedeck/tape";
import type { KeptMode } from "./record.js";

/** What the cluster itself does to a session. */
export type SystemCommand =
  /** The playhead has come to the end of what is played; the ticker says so, and it is checked. */
  | { type: "end"; node?: string }
  /** The same in a loop: back to the range's start. */
  | { type: "wrap"; node?: string }
  /** Ticker `node` renders it from now on, whoever did before. */
  | { type: "claim"; node: string }
  /** Ticker `node` gives it back; `publishedSeq` is the last frame it published. */
  | { type: "release"; node: string; publishedSeq: Seq }
  /** Nobody has watched for a while: the clock stops. Only the ticker that holds the session may. */
  | { type: "park"; node: string }
  /** A socket watches again: the clock goes on. */
  | { type: "unpark" }
  /** The clock jumped under ticker `node`: playing goes on from `at`, the last frame it published. */
  | { type: "failover"; node: string; at: TapePosition }
  /** In LIVE, ticker `node` has published all there is of the tape, up to `seq`: gateways follow the market from there. */
  | { type: "reach"; node: string; seq: Seq }
  /** In LIVE, the feed has another tape than the session, which has nothing to show any more, or nothing yet. */
  | { type: "tune" }
  /** A node has shown frame `seq` of `epoch`, and the deck stands before it: a market's next frame came while it was told to stand. */
  | { type: "shown"; epoch: number; seq: Seq }
  /** A node has seen (epoch, rev) of this session; when Redis has lost that, the session goes on in a new epoch. */
  | { type: "recover"; epoch: number; rev: number };

/** The newest frame of the tape that a feed makes. */
export interface Edge {
  /** `id@version` */
  readonly tape: string;
  readonly at: TapePosition;
}

/** What a mode plays that has nothing to resume, or is to play something else. */
export interface FreshStart {
  readonly symbol: string;
  readonly source: string;
  /** `id@version`, empty where no tape serves the mode. */
  readonly tape: string;
  readonly start: TapePosition;
  readonly seed: string;
  readonly scenario: string;
  readonly feed: FeedStatus | null;
}

/** A command or system command whose places have been found on the tape, so that the rules need no I/O. */
export type ResolvedCommand =
  | { type: "start" | "pause" | "resume" | "stop" }
  /** Undefined: its feed has brought nothing yet. */
  | { type: "live"; edge: Edge | undefined }
  | { type: "speed"; value: number }
  | { type: "goback" | "seek" | "step"; to: TapePosition }
  | { type: "range"; fromNs: TapeNs | null; toNs: TapeNs | null; loop: boolean; start: TapePosition; end: TapePosition }
  | { type: "mode"; mode: Mode; begins: FreshStart }
  /** `edge`: in LIVE, where it comes back to if not to its own place; its tape is empty while the feed has none. */
  | { type: "mode"; mode: Mode; resumes: KeptMode; edge?: Edge }
  | { type: "order"; forked: ForkedTape }
  | Exclude<SystemCommand, { type: "claim" | "reach" | "shown" | "tune" }>
  | { type: "reach"; node: string; at: TapePosition }
  | { type: "shown"; epoch: number; at: TapePosition }
  /** `lost`: the session's own tape does not exist any more. */
  | { type: "tune"; edge: Edge | undefined; lost: boolean }
  /** `stalledAt`: the last published frame, where nothing has been rendered for more than `stallMs`. */
  | { type: "claim"; node: string; stalledAt?: TapePosition };

export type ResolvedCommandType = ResolvedCommand["type"];

/** When an instruction is applied, and where the session's places then are. */
export interface Moment {
  readonly now: WallMs;
  /** The playhead. */
  readonly here: TapePosition;
  /** First frame of what is played. */
  readonly start: TapePosition;
  /** Last frame of what is played, and the time at which playing ends; the edge of a growing tape. */
  readonly end: TapePosition;
  readonly timeline: Timeline;
  /** Whether the end will move away by itself. */
  readonly growing: boolean;
}

const beginning: TapePosition = { seq: 0, ns: 0 };

/** The moment of a session without a tape: all its places are one. */
export function momentWithoutTape(now: WallMs): Moment {
  const timeline: Timeline = { playingOf: (ns) => ns, tapeOf: (ns) => ns };
  return { now, here: beginning, start: beginning, end: beginning, timeline, growing: false };
}

/** Wall time that a stretch of tape takes at a speed, in ms. */
export function wallMsBetween(timeline: Timeline, from: TapeNs, to: TapeNs, speed: number): number {
  return (timeline.playingOf(to) - timeline.playingOf(from)) / (speed * 1e6);
}
