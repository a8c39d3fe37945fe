import { type StateCause, stateCause, type WallMs } from "@tapedeck/protocol";
import type { Seq, TapePosition } from "@tapedeck/tape";

/**
 * Messages on a session's channel: one ASCII line of head, then JSON, so that a plain SUBSCRIBE is readable.
 *
 *   1 F {rev} {epoch} {prev} {seq}\n{frame}            frames (prev, seq] of the tape, rendered from revision rev
 *   1 S {rev} {epoch} {seq} {seq} {cause}\n{hash}      the session's hash after a change, its playhead at frame seq
 *   1 P {rev} {epoch} {prev} {seq}\n{ns} {wall}       lossless pace: the playhead moved to frame seq, at tape time ns and wall time
 *   1 D {rev} {epoch} 0 0 {deleted|expired}\n{"id":I}  the session is gone
 *
 * 1 is the format's version. A ticker's own channel carries the S and D messages of the sessions it renders.
 */
export interface FrameHead {
  readonly kind: "F";
  readonly rev: number;
  readonly epoch: number;
  readonly prev: Seq;
  readonly seq: Seq;
  /** Offset of the JSON in the message. */
  readonly body: number;
}
/** The playhead was moved by what readers have acknowledged. */
export interface PaceHead extends Omit<FrameHead, "kind"> {
  readonly kind: "P";
}
export interface StateHead {
  readonly kind: "S" | "D";
  readonly rev: number;
  readonly epoch: number;
  readonly seq: Seq;
  readonly cause: StateCause;
  readonly body: number;
}

// HOT: once per published message.
export function frameHead(rev: number, epoch: number, prev: Seq, seq: Seq): string {
  return `1 F ${rev} ${epoch} ${prev} ${seq}\n`;
}

export function stateHead(kind: "S" | "D", rev: number, epoch: number, seq: Seq, cause: StateCause): string {
  return `1 ${kind} ${rev} ${epoch} ${seq} ${seq} ${cause}\n`;
}

const space = 0x20;
const newline = 0x0a;
const causes = new Map<string, StateCause>(stateCause.options.map((cause) => [cause, cause]));

/** HOT: once per received message. Undefined for anything else than this format. */
export function parseHead(message: Uint8Array): FrameHead | PaceHead | StateHead | undefined {
  if (message[0] !== 0x31 || message[1] !== space || message[3] !== space) return undefined;
  const kind = message[2];
  let at = 4;
  const number = (): number => {
    let value = 0;
    const start = at;
    const negative = message[at] === 0x2d;
    if (negative) at++;
    for (let byte = message[at]; byte !== undefined && byte >= 0x30 && byte <= 0x39; byte = message[++at]) {
      value = value * 10 + (byte - 0x30);
    }
    if (at === start) return Number.NaN;
    at++; // the space or the newline behind it
    return negative ? -value : value;
  };
  const rev = number();
  const epoch = number();
  const prev = number();
  const seq = number();
  if (Number.isNaN(rev + epoch + prev + seq)) return undefined;
  if (kind === 0x46) return message[at - 1] === newline ? { kind: "F", rev, epoch, prev, seq, body: at } : undefined;
  if (kind === 0x50) return { kind: "P", rev, epoch, prev, seq, body: at };
  if (kind !== 0x53 && kind !== 0x44) return undefined;
  const end = message.indexOf(newline, at);
  const cause = causes.get(String.fromCharCode(...message.subarray(at, end)));
  if (end < 0 || cause === undefined) return undefined;
  return { kind: kind === 0x53 ? "S" : "D", rev, epoch, seq, cause, body: end + 1 };
}

/** Where the playhead was moved to, in the body of a P message; undefined if it is not readable. */
export function readPace({ seq, body }: PaceHead, message: Buffer): (TapePosition & { wallMs: WallMs }) | undefined {
  const [ns = Number.NaN, wallMs = Number.NaN] = message.toString("latin1", body).split(" ").map(Number);
  return Number.isNaN(ns + wallMs) ? undefined : { seq, ns, wallMs };
}
