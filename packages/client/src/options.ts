import type { CreateBody, Mode, SeekTarget, Severity } from "@tapedeck/protocol";
import { badArgument } from "./errors.js";

type RangeBody = Pick<CreateBody, "from" | "to" | "loop">;

/** A time on a tape: a Date, milliseconds since 1970, or ISO 8601 in UTC with up to nine decimals. */
export type TapeTime = Date | number | string;

/** Milliseconds, or a number with a unit: `"90s"`, `"15m"`, `"1.5h"`, `"250ms"`, `"2d"`. */
export type Duration = number | `${number}${Unit}`;
type Unit = "ms" | "s" | "m" | "h" | "d";

/** What a session plays. */
export interface SourceOptions {
  /** In LIVE: `BTCUSDT` by default. In REPLAY: the newest tape of that symbol. */
  readonly symbol?: string;
  readonly source?: string;
  /** `id` or `id@version` of a recorded tape. */
  readonly tape?: string;
  /** In SIMULATION: the same seed and scenario give the same market. */
  readonly seed?: number | string;
  readonly scenario?: string;
}

export interface RangeOptions {
  /** null: from the start of the tape. */
  readonly from?: TapeTime | null;
  /** null: to the end of the tape. */
  readonly to?: TapeTime | null;
  readonly loop?: boolean;
}

export interface OpenOptions extends SourceOptions, RangeOptions {
  /** If the session exists, it is joined as it is. By default the cluster creates a new id. */
  readonly sessionId?: string;
  readonly mode?: Mode;
  /** 0.1 to 1000 seconds of tape per second. */
  readonly speed?: number;
  /** Frames per second, 1 to 60; 0 for every frame. */
  readonly maxFps?: number;
  /** Whether marked gaps of the tape play as one second (`skip`) or in full. */
  readonly gaps?: "skip" | "keep";
  /** `lossless`: the playhead waits for this program, at most at `speed`; without one, as fast as it can. */
  readonly pace?: "clock" | "lossless";
  /** In lossless pace: how many frames ahead of the last acknowledged one may arrive, 1 to 1,000; 1 by default. */
  readonly window?: number;
}

export interface PaceOptions {
  readonly pace: "clock" | "lossless";
  readonly window?: number;
  readonly speed?: number | "max";
}

export interface ModeOptions extends SourceOptions {
  readonly mode: Mode;
}

/** Where a seek goes. */
export type SeekPlace =
  | { readonly ts: TapeTime }
  | { readonly seq: number }
  /** From 0 to 1 of the range, or of the tape. */
  | { readonly fraction: number }
  | { readonly event: "next" | "previous"; readonly type?: string; readonly minSeverity?: Severity };

export interface OrderOptions {
  readonly side: "buy" | "sell" | "BUY" | "SELL";
  /** In units; 100 by default. */
  readonly quantity?: number;
}

/** Undefined fields are left out of the message. */
export function createBody(options: OpenOptions): Partial<CreateBody> {
  const { sessionId, maxFps, from, to, ...rest } = requireObject("open", options);
  return { ...rest, session_id: sessionId, max_fps: maxFps, ...rangeBody({ from, to }) };
}

export function rangeBody(options: RangeOptions): RangeBody {
  const { from, to, loop } = requireObject("range", options);
  return { from: timeBody("from", from), to: timeBody("to", to), ...(loop !== undefined && { loop }) };
}

export function seekBody(given: SeekPlace): SeekTarget {
  const place = requireObject("seek", given);
  if ("ts" in place) return { ts: timeBody<never>("ts", place.ts) };
  if (!("event" in place)) return place;
  const { event, type, minSeverity } = place;
  return { event, event_type: type, min_severity: minSeverity };
}

/** Untyped programs may leave the options out. */
export function requireObject<T extends object>(name: string, given: T): T {
  if (!given || typeof given !== "object") throw badArgument(name, "must be an object");
  return given;
}

function timeBody<T extends null | undefined>(name: string, time: TapeTime | T): string | number | T {
  if (!(time instanceof Date)) return time;
  if (Number.isNaN(time.getTime())) throw badArgument(name, "must be a valid Date");
  return time.toISOString();
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const satisfies Record<Unit, number>;

/** @throws TapedeckError `bad_argument` that names the argument */
export function durationMs(name: string, duration: Duration): number {
  if (typeof duration === "number" && Number.isFinite(duration)) return duration;
  const [, amount, unit] = (typeof duration === "string" && /^(\d+(?:\.\d+)?)(ms|[smhd])$/.exec(duration)) || [];
  if (amount === undefined || !isUnit(unit)) throw badArgument(name, 'must be milliseconds or text such as "15m"');
  return Number(amount) * unitMs[unit];
}

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && Object.hasOwn(unitMs, text);
}
