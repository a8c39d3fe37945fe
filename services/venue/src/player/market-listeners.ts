import type { SessionRecord } from "@tapedeck/sessions";
import type { DepthUpdate, MarketListener, VenueTrade } from "./market-events.js";

/** The listeners of a market, in the order in which they were added. One that is added during an event hears it, too. */
export class MarketListeners extends Set<MarketListener> {
  /** Whether anybody hears the market itself, and not of an account only. */
  get hearMarket(): boolean {
    for (const listener of this) if (listener.ofAccount !== true) return true;
    return false;
  }

  /** The earliest tape time for which one of them waits, in ns since the tape's start. */
  get dueNs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { dueNs } of this) first = Math.min(first, dueNs);
    return first;
  }

  flushUpTo(ns: number): void {
    for (const listener of this) if (listener.dueNs <= ns) listener.flush();
  }

  depth(update: DepthUpdate): void {
    for (const listener of this) listener.depth?.(update);
  }

  trade(trade: VenueTrade): void {
    for (const listener of this) listener.trade?.(trade);
  }

  changed(): void {
    for (const listener of this) listener.changed?.();
  }

  /** Listeners tell now what waits for a time that will not come, or not soon. */
  endIfStill({ state }: Pick<SessionRecord, "state">): void {
    if (state === "STOPPED") for (const listener of this) listener.end?.();
    if (state === "PAUSED") for (const listener of this) listener.pause?.();
  }
}
