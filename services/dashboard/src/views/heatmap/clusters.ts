import { DerivedList, type FrameLog, type LoggedFrame } from "../../playback/frame-log";
import type { TimeWindow } from "../../playback/viewport";
import type { PriceSpan } from "./columns/price-grid";
import type { Bubble } from "./renderer";

/** The trades of one frame on one side. */
export interface Cluster {
  readonly ms: number;
  /** Mean, weighted by size. */
  readonly price: number;
  readonly size: number;
  readonly side: "buy" | "sell" | "unknown";
  readonly own: boolean;
}

export function clustersOf({ frame, ms }: LoggedFrame): Cluster[] {
  if (frame.trades.length === 0) return [];
  const found = new Map<string, { price: number; size: number; side: Cluster["side"]; own: boolean }>();
  for (const { price, size, side, own } of frame.trades) {
    const key = own ? `own ${side}` : side;
    const sum = found.get(key) ?? { price: 0, size: 0, side, own: own === true };
    sum.price += price * size;
    sum.size += size;
    found.set(key, sum);
  }
  return [...found.values()].map((sum) => ({ ...sum, ms, price: sum.price / sum.size }));
}

/** The 90th percentile of sizes, which sets the scale of the discs. */
export function referenceSize(clusters: readonly Cluster[]): number {
  const sizes = clusters.slice(-1500).map(({ size }) => size);
  sizes.sort((a, b) => a - b);
  return sizes[Math.floor((sizes.length - 1) * 0.9)] ?? 1;
}

/** In CSS pixels. The area grows with size, between a visible minimum and a maximum that does not hide the book. */
export function radiusOf(size: number, reference: number): number {
  return Math.min(17, Math.max(1.3, 6.5 * Math.sqrt(size / reference)));
}

/** With more visible discs, the smallest ones are left out. */
const maxBubbles = 2500;

/** The discs of the trades in a log. */
export class Bubbles {
  readonly #log: FrameLog;
  readonly #clusters: DerivedList<Cluster>;
  #reference = { size: 1, revision: -1, count: 0 };

  constructor(log: FrameLog) {
    this.#log = log;
    this.#clusters = new DerivedList(log, 8192, clustersOf);
  }

  /** While it is the same, only discs of new frames are added. */
  get key(): string {
    return `${this.#reference.size} ${this.#clusters.revision}`;
  }

  /** @param plot in CSS pixels, and canvas pixels per CSS pixel */
  visible(
    { from, to }: TimeWindow,
    prices: PriceSpan,
    { width, height, ratio }: { readonly width: number; readonly height: number; readonly ratio: number },
  ): Bubble[] {
    const clusters = this.#clusters.items;
    const reference = this.#referenceSizeNow(clusters);
    const bubbles: Bubble[] = [];
    let least = 0;
    for (let index = clusters.length - 1; index >= 0; index--) {
      const cluster = clusters[index];
      if (!cluster || cluster.ms < from) break;
      if (cluster.ms > to || cluster.price < prices.low || cluster.price > prices.high) continue;
      if (bubbles.length > maxBubbles) least = 2;
      const radius = cluster.own ? 7 : radiusOf(cluster.size, reference);
      if (radius < least) continue;
      const x = ((cluster.ms - from) / (to - from)) * width * ratio;
      const y = ((prices.high - cluster.price) / (prices.high - prices.low)) * height * ratio;
      bubbles.push({ x, y, radius: radius * ratio, side: cluster.side, own: cluster.own });
    }
    return bubbles.reverse();
  }

  #referenceSizeNow(clusters: readonly Cluster[]): number {
    const { revision } = this.#clusters;
    const { appended } = this.#log;
    // Early in a market the reference changes fast, so it is computed more often.
    const stale = appended > this.#reference.count + Math.min(300, 10 + this.#reference.count / 4);
    if (revision !== this.#reference.revision || stale) {
      this.#reference = { size: referenceSize(clusters), revision, count: appended };
    }
    return this.#reference.size;
  }
}
