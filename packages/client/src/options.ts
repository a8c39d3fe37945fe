import type { CreateBody, Mode, SeekTarget, Severity } from "@tapedeck/protocol";
import { badArgument } from "./errors.js";

type RangeBody = Pick<CreateBody, "from" | "to" | "loop">;

/** A time on a tape: a Date, milliseconds since 1970, or ISO 8601 in UTC with up to nine decimals. */
export type TapeTime = Date | number | string;

/** What a session plays. */
export interface SourceOptions {
  /** For LIVE `BTCUSDT` unless named; for REPLAY the newest tape of that symbol. */
  readonly symbol?: string;
  readonly source?: string;
  /** `id` or `id@version` of a recorded tape. */
  readonly tape?: string;
  /** Of SIMULATION: the same seed and scenario are the same market. */
  readonly seed?: number | string;
  readonly scenario?: string;
}

export interface RangeOptions {
  /** null: from the tape's start. */
  readonly from?: TapeTime | null;
  /** null: to the tape's end. */
  readonly to?: TapeTime | null;
  readonly loop?: boolean;
}

export interface OpenOptions extends SourceOptions, RangeOptions {
  /** Of a session that may exist already; it is then joined as it is. Without it the cluster makes a new id. */
  readonly sessionId?: string;
  readonly mode?: Mode;
  /** 0.1 to 1000 seconds of tape per second. */
  readonly speed?: number;
  /** Frames a second, 1 to 60; 0 for every frame. */
  readonly maxFps?: number;
  /** Whether marked gaps of the tape are played as one second (`skip`) or in full. */
  readonly gaps?: "skip" | "keep";
}

export interface ModeOptions extends SourceOptions {
  readonly mode: Mode;
}

/** One place on the tape. */
export type SeekPlace =
  | { readonly ts: TapeTime }
  | { readonly seq: number }
  /** From 0 to 1 of the range, or of the tape. */
  | { readonly fraction: number }
  | { readonly event: "next" | "previous"; readonly type?: string; readonly minSeverity?: Severity };

export interface OrderOptions {
  readonly side: "buy" | "sell" | "BUY" | "SELL";
  /** Units; 100 unless named. */
  readonly quantity?: number;
}

/** As the wire has it: an undefined field is no field. */
export function createBody(choice: OpenOptions): Partial<CreateBody> {
  const { sessionId, maxFps, from, to, ...rest } = requireObject("open", choice);
  return { ...rest, session_id: sessionId, max_fps: maxFps, ...rangeBody({ from, to }) };
}

export function rangeBody(choice: RangeOptions): RangeBody {
  const { from, to, loop } = requireObject("range", choice);
  return { from: timeBody("from", from), to: timeBody("to", to), ...(loop !== undefined && { loop }) };
}

export function seekBody(given: SeekPlace): SeekTarget {
  const place = requireObject("seek", given);
  if ("ts" in place) return { ts: timeBody<never>("ts", place.ts) };
  if (!("event" in place)) return place;
  const { event, type, minSeverity } = place;
  return { event, event_type: type, min_severity: minSeverity };
}

/** What a program without types may have left out. */
export function requireObject<T extends object>(method: string, given: T): T {
  if (!given || typeof given !== "object") throw badArgument(method, "takes an object");
  return given;
}

function timeBody<T extends null | undefined>(name: string, time: TapeTime | T): string | number | T {
  if (!(time instanceof Date)) return time;
  if (Number.isNaN(time.getTime())) throw badArgument(name, "must be a valid Date");
  return time.toISOString();
}
