import type { LoggedFrame } from "../../playback/frame-log";

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
