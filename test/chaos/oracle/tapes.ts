// Tapes as plain data, and the plainest possible arithmetic on them.

export interface TapeFrame {
  readonly seq: number;
  /** Nanoseconds since the tape's start. */
  readonly ns: number;
  readonly json: string;
}

/** The part of a tape that a history refers to. */
export interface TapeData {
  readonly id: string;
  /** The tape that an order made this one of: the same frames before the order's. */
  readonly follows?: string | undefined;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  /** The first frame of the tape, and the last one unless the tape grows or never ends. */
  readonly firstSeq: number;
  readonly lastSeq: number | undefined;
  readonly gaps: readonly { readonly fromNs: number; readonly toNs: number }[];
  /** Consecutive frames; all of them where `lastSeq` is known. */
  readonly frames: readonly TapeFrame[];
}

export type Tapes = ReadonlyMap<string, TapeData>;

export function frameOf(tape: TapeData, seq: number): TapeFrame | undefined {
  return tape.frames[seq - (tape.frames[0]?.seq ?? 0)];
}

/** The last frame at or before a time, else the first one. Undefined if the data does not say. */
export function frameAt(tape: TapeData, ns: number): TapeFrame | undefined {
  const { frames } = tape;
  const first = frames[0];
  const last = frames.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (ns < first.ns) return first.seq === tape.firstSeq ? first : undefined;
  if (ns >= last.ns) return last.seq === tape.lastSeq ? last : undefined;
  let low = 0;
  let high = frames.length - 1; // its time is after `ns`
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((frames[middle]?.ns ?? 0) <= ns) low = middle;
    else high = middle;
  }
  return frames[low];
}

/** Tape time of an ISO time of this tape. */
export function nsOf(tape: TapeData, iso: string): number {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso) ?? [];
  const whole = BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n;
  return Number(whole + BigInt(fraction.padEnd(9, "0")) - tape.startNs);
}

/** Playing time: a marked gap of more than 5 s counts as 1 s, if gaps are skipped ([TP31]). */
export function playingOf(tape: TapeData, ns: number, gaps: "skip" | "keep"): number {
  if (gaps === "keep") return ns;
  let takenOut = 0;
  for (const { fromNs, toNs } of tape.gaps) {
    if (toNs - fromNs <= 5e9 || ns < fromNs) continue;
    takenOut += ns < toNs ? ns - fromNs : toNs - fromNs - 1e9;
  }
  return ns - takenOut;
}

/** The first frame of what a view's range plays, and the last one; undefined if the data does not say. */
export function startOf(tape: TapeData, fromTs: string | null): TapeFrame | undefined {
  if (fromTs === null) return frameOf(tape, tape.firstSeq);
  const ns = nsOf(tape, fromTs);
  const before = frameAt(tape, ns);
  if (before === undefined || before.ns >= ns) return before;
  return frameOf(tape, before.seq + 1);
}

export function endOf(tape: TapeData, toTs: string | null): TapeFrame | undefined {
  if (toTs !== null) return frameAt(tape, nsOf(tape, toTs));
  return tape.lastSeq === undefined ? undefined : frameOf(tape, tape.lastSeq);
}
