import type { TapeNs } from "@tapedeck/protocol";
import type { Seq, TapeEvent } from "../tape.js";
import { decodeEvent, encodeEvent, eventBytes, severityRank } from "./events.js";

/** A run of consecutive frames, summed up for a scrubber. */
export interface OverviewPoint {
  readonly seq: Seq;
  readonly ns: TapeNs;
  /** Of its first frame. */
  readonly price: number;
  readonly low: number;
  readonly high: number;
  /** The gravest event of the run, the first of several. */
  readonly event: TapeEvent | undefined;
}

/** Most points that an overview keeps, however long the tape. */
export const maxOverviewPoints = 2_048;

/** Sums a tape up while it is written: each time it is full it joins its points in pairs, so it stays small. */
export class OverviewBuilder {
  #points: OverviewPoint[] = [];
  #framesPerPoint = 1;
  #framesInLast = 0;

  /** @param frames how many frames the point sums up */
  add(point: OverviewPoint, frames = 1): void {
    const last = this.#points.at(-1);
    if (last !== undefined && this.#framesInLast + frames <= this.#framesPerPoint) {
      this.#points[this.#points.length - 1] = joined(last, point);
      this.#framesInLast += frames;
      return;
    }
    if (this.#points.length === maxOverviewPoints) {
      this.#points = inPairs(this.#points);
      this.#framesPerPoint *= 2;
    }
    this.#points.push(point);
    this.#framesInLast = frames;
  }

  get points(): readonly OverviewPoint[] {
    return this.#points;
  }
}

/** Joins neighbours until at most `most` points are left. */
export function thinOverview(points: readonly OverviewPoint[], most: number): OverviewPoint[] {
  const per = Math.ceil(points.length / Math.max(1, most));
  const result: OverviewPoint[] = [];
  for (let at = 0; at < points.length; at += per) result.push(points.slice(at, at + per).reduce(joined));
  return result;
}

function inPairs(points: readonly OverviewPoint[]): OverviewPoint[] {
  return thinOverview(points, Math.ceil(points.length / 2));
}

function joined(a: OverviewPoint, b: OverviewPoint): OverviewPoint {
  const graver = a.event && (b.event === undefined || severityRank(a.event.severity) >= severityRank(b.event.severity));
  return {
    seq: a.seq,
    ns: a.ns,
    price: a.price,
    low: Math.min(a.low, b.low),
    high: Math.max(a.high, b.high),
    event: graver ? a.event : b.event,
  };
}

/** A point on a tape: seq, ns, price, low, high (f64), then its event's record, whose seq is -1 where there is none. */
const pointBytes = 40 + eventBytes;

const noEvent: TapeEvent = { seq: -1, ns: 0, type: "", severity: "low" };

export function encodeOverview(points: readonly OverviewPoint[], typeNumber: (type: string) => number): Buffer {
  return Buffer.concat(
    points.map(({ event, ...point }) => {
      const head = Buffer.alloc(40);
      [point.seq, point.ns, point.price, point.low, point.high].forEach((value, at) => {
        head.writeDoubleLE(value, at * 8);
      });
      return Buffer.concat([head, event ? encodeEvent(event, typeNumber(event.type)) : encodeEvent(noEvent, 0)]);
    }),
  );
}

export function decodeOverview(bytes: Buffer, types: readonly string[]): OverviewPoint[] {
  const points: OverviewPoint[] = [];
  for (let at = 0; at + pointBytes <= bytes.length; at += pointBytes) {
    const event = decodeEvent(bytes, at + 40, types);
    points.push({
      seq: bytes.readDoubleLE(at),
      ns: bytes.readDoubleLE(at + 8),
      price: bytes.readDoubleLE(at + 16),
      low: bytes.readDoubleLE(at + 24),
      high: bytes.readDoubleLE(at + 32),
      event: event.seq < 0 ? undefined : event,
    });
  }
  return points;
}
