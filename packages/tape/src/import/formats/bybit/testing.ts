import type { BookLevel } from "@tapedeck/market";
import type { Told } from "../testing.js";

/** Lines in the form of Bybit's public files, made up: no public repository has real ones under a licence. */

export const headers = {
  contracts: "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional",
  spot: "id,timestamp,price,volume,side",
};

/** A line of an order book file; the `old` ones lack the matching engine's time. */
export function bookLine(told: Told, { depth, old = false }: { depth: number; old?: boolean }): string {
  const levels = (side: readonly BookLevel[]) => side.map(([price, size]) => [price.toFixed(2), size.toFixed(3)]);
  return JSON.stringify({
    topic: `orderbook.${depth}.BTCUSDT`,
    ts: told.ms + 2,
    type: told.whole ? "snapshot" : "delta",
    data: { s: "BTCUSDT", b: levels(told.bids), a: levels(told.asks), u: told.id, seq: 9_000_000 + 3 * told.id },
    ...(old ? {} : { cts: told.ms }),
  });
}

interface Fill {
  readonly ms: number;
  readonly side: "Buy" | "Sell";
  readonly price: number;
  readonly size: string;
}

/** A trade every half a second, buys and sells by turns. */
function fillsOf(market: readonly Told[]): Fill[] {
  return market
    .filter((_, at) => at % 5 === 0 && at > 0)
    .map(({ ms }, n) => ({
      ms: ms + 4,
      side: n % 2 === 0 ? "Buy" : "Sell",
      price: n % 2 === 0 ? 1000.5 : 1000,
      size: ((n + 1) / 100).toFixed(2),
    }));
}

export function contractRows(market: readonly Told[]): readonly string[] {
  return fillsOf(market).map(
    ({ ms, side, price, size }, n) =>
      `${ms / 1000}1,BTCUSDT,${side},${size},${price},PlusTick,1e2a23f4-469b-58d9-85cb-${n},1e+09,${size},${price * Number(size)}`,
  );
}

export function spotRows(market: readonly Told[]): readonly string[] {
  return fillsOf(market).map(({ ms, side, price, size }, n) => `${n + 1},${ms},${price},${size},${side.toLowerCase()}`);
}
