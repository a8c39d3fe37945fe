import type { TapeNs } from "@tapedeck/protocol";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { parseSimulatedName, type Seq, type TapeEvent, type Timeline } from "@tapedeck/tape";
import type { TapeSelector, Tapes } from "../rules/choose-mode.js";
import type { SeekableTape } from "../rules/playhead.js";

export interface SyntheticTape {
  readonly id?: string;
  /** Times of the frames, ascending; the first is 0. */
  readonly times: readonly TapeNs[];
  readonly events?: readonly TapeEvent[];
  readonly growing?: boolean;
  /** The first frame that retention has kept. */
  readonly firstSeq?: Seq;
  /** Milliseconds since 1970 of tape time 0. */
  readonly startMs?: number;
  readonly timeline?: Timeline;
}

const fakeOrderId = "0123456789ab";
const usualStartMs = 1_723_161_255_000;

/** A tape that has only times: enough for the rules, which never read a frame. */
export function syntheticTape({ id = "synthetic@1", times, events = [], ...rest }: SyntheticTape): SeekableTape {
  const lastSeq = times.length - 1;
  const { firstSeq = 0, startMs = usualStartMs } = rest;
  const startNs = BigInt(startMs) * 1_000_000n;
  const at = (seq: Seq): TapeNs => {
    const ns = seq < firstSeq ? undefined : times[seq];
    if (ns === undefined) throw new RangeError(`no frame ${seq}`);
    return ns;
  };
  return {
    id,
    startNs,
    span: { firstSeq, lastSeq, firstNs: at(firstSeq), lastNs: at(lastSeq), growing: rest.growing ?? false },
    timeline: () => rest.timeline ?? { playingOf: (ns) => ns, tapeOf: (ns) => Math.floor(ns) },
    iso: (ns) => new Date(Number((startNs + BigInt(ns)) / 1_000_000n)).toISOString(),
    seqAt: async (ns) =>
      Math.max(
        firstSeq,
        times.findLastIndex((time) => time <= ns),
      ),
    nsOf: async (seq) => at(seq),
    eventHorizonNs: Number.POSITIVE_INFINITY,
    findEvent: async (from, direction, { type }) =>
      direction === "next"
        ? events.find((event) => event.seq > from && (type ?? event.type) === event.type)
        : events.findLast((event) => event.seq < from && (type ?? event.type) === event.type),
  };
}

/** Frames at a steady rate: `frames` of them, one in `everyMs`. */
export function steadyTape(frames: number, everyMs = 100, more: Partial<SyntheticTape> = {}): SeekableTape {
  return syntheticTape({ ...more, times: Array.from({ length: frames }, (_, at) => at * everyMs * 1e6) });
}

/** A shelf of tapes; the first is the default. The feed of every instrument makes the first one that grows. */
export function shelf(...tapes: SeekableTape[]): Tapes {
  const nameOf = (tape: SeekableTape): string => tape.id.split("@")[0] ?? "";
  return {
    live: async () => tapes.find(({ span }) => span.growing),
    fork: async (tape, session, order) => ({
      tape: `${tape.replace(/[~@].*/, "")}~${fakeOrderId}~${session}@1`,
      order: { ...order, id: fakeOrderId, after: "", filled: order.quantity },
      appended: tape.includes("~"),
      fill: { timestamp: "2025-01-01T00:00:00.000Z", price: 100, size: order.quantity, mid: 101 },
    }),
    undo: async (tape) => tape,
    open: async (id) => {
      const tape = tapes.find((each) => each.id === id) ?? simulated(id);
      if (tape === undefined) throw new RefusedError(refuse("TAPE_NOT_FOUND", `Tape ${id} does not exist.`));
      return tape;
    },
    choose: async ({ tape: id, symbol, source }: TapeSelector) =>
      tapes.find(
        (each) =>
          (id === undefined || nameOf(each) === id || each.id === id) &&
          (symbol === undefined || symbol === "BTCUSDT") &&
          (source === undefined || source === "TEST"),
      ),
  };
}

/** Stands for a simulated tape, which exists as soon as it is named. */
function simulated(id: string): SeekableTape | undefined {
  return parseSimulatedName(id) && steadyTape(100, 100, { id });
}
