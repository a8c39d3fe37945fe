import { exp, ln } from "@tapedeck/market";
import type { QueueSettings } from "../settings.js";

/**
 * Where an order is estimated to stand in the queue at its price. Amounts here are doubles in the instrument's unit (0.5 BTC), with
 * hftbacktest's operations in their order: its fills depend on their last bits where an estimate lies at half a lot.
 */
export interface QueuePlace {
  /** Ahead of the order. A little below 0 while less than half a lot has got past the queue. */
  front: number;
  /** Traded at the price since the level changed last: the next change contains it. */
  traded: number;
}

/** Estimates places from levels and trades. */
export interface QueueModel {
  /** @param ahead what rests at the price when the order arrives */
  enter(ahead: number): QueuePlace;
  /** A trade at the order's price. */
  trade(place: QueuePlace, amount: number): void;
  /** The level at the order's price was set. */
  level(place: QueuePlace, before: number, after: number): void;
}

/** Lots that got past the queue to the order; the queue ahead of it is gone then. 0: none. */
export function lotsReached(place: QueuePlace, lotSize: number): number {
  const lots = Math.round(-place.front / lotSize);
  if (!(lots > 0)) return 0;
  place.front = 0;
  return lots;
}

/** The model that the settings name; undefined for exact queues, which are not estimated. */
export function queueModel(settings: QueueSettings): QueueModel | undefined {
  switch (settings.model) {
    case "orders":
      return undefined;
    case "risk-averse":
      return riskAverse;
    default: {
      const behind = shareBehind(settings);
      return { enter: (ahead) => ({ front: ahead, traded: 0 }), trade: advance, level: levelByShare(behind) };
    }
  }
}

/** Only trades advance the order, and a level that has become smaller than the queue ahead. */
const riskAverse: QueueModel = {
  enter: (ahead) => ({ front: ahead, traded: 0 }),
  trade: (place, amount) => {
    place.front -= amount;
  },
  level: (place, _before, after) => {
    place.front = least(place.front, after);
  },
};

function advance(place: QueuePlace, amount: number): void {
  place.front -= amount;
  place.traded += amount;
}

/** Of a level's decrease beyond what was traded, a share left behind the order, and the rest ahead of it. */
function levelByShare(behind: (front: number, back: number) => number): QueueModel["level"] {
  return (place, before, after) => {
    const decrease = before - after - place.traded;
    place.traded = 0;
    if (decrease < 0) {
      place.front = least(place.front, after);
      return;
    }
    const { front } = place;
    const back = before - front;
    const found = behind(front, back);
    const share = Math.abs(found) === Number.POSITIVE_INFINITY ? 1 : found;
    const moved = front - (1 - share) * decrease + least(back - share * decrease, 0);
    place.front = least(moved, after);
  };
}

/** The share of decreases that is behind the order, by what is ahead of and behind it. */
function shareBehind(
  settings: Exclude<QueueSettings, { model: "orders" | "risk-averse" }>,
): (front: number, back: number) => number {
  switch (settings.model) {
    case "log-probability":
      return (front, back) => log(back) / (log(back) + log(front));
    case "log-probability-2":
      return (front, back) => log(back) / log(back + front);
    case "power-probability":
      return (front, back) => power(back, settings.n) / (power(back, settings.n) + power(front, settings.n));
    case "power-probability-2":
      return (front, back) => power(back, settings.n) / power(back + front, settings.n);
    case "power-probability-3":
      return (front, back) => 1 - power(front / (front + back), settings.n);
  }
}

/** The logarithm of 1 + x; NaN where it has none. */
function log(x: number): number {
  return x > -1 ? ln(1 + x) : Number.NaN;
}

/** x to the power of n, which is above 0, the same bits on every engine. NaN for a root of a number below 0. */
function power(x: number, n: number): number {
  if (Number.isInteger(n)) {
    let product = x;
    for (let factors = 1; factors < n; factors++) product *= x;
    return product;
  }
  if (x === 0) return 0;
  return x > 0 ? exp(n * ln(x)) : Number.NaN;
}

/** The other number if one is NaN: estimates without an answer fall back to the level's size. */
function least(a: number, b: number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : Math.min(a, b);
}
