import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import { RunningMean } from "../running-statistics.js";
import type { Thresholds } from "../thresholds.js";
import { levelsOf, type Side, sides, sizeAt } from "./book-sides.js";
import type { Detector, DetectorInput } from "./detector.js";

/** Trades of both sides whose sizes differ by no more than this are wash trades, not fills of an iceberg. */
const washLikeness = 0.05;
/** Most tracked reserves per side. */
const most = 12;

/** Repeated fills of one size at one price. */
interface Reserve {
  readonly price: number;
  readonly size: number;
  /** Filled units that the level did not lose. */
  kept: number;
  fills: number;
  volume: number;
  lastNs: number;
}

/**
 * ICEBERG_ORDER: repeated fills of one size at one price, while the level does not lose their volume: a part of a hidden order is
 * displayed again and again (Hautsch and Huang 2012, "On the dark side of the market: identifying and analyzing hidden order
 * placements"). Only fills larger than the mean trade count, since an instrument's smallest lots are always alike. Other orders
 * add noise, so the level is judged over all fills.
 */
export class IcebergOrder implements Detector {
  readonly #thresholds: Thresholds["iceberg"];
  readonly #meanTrade = new RunningMean(1_000);
  readonly #sides = sides.map((side) => ({ side, reserves: [] as Reserve[] }));

  constructor(thresholds: Thresholds["iceberg"]) {
    this.#thresholds = thresholds;
  }

  copy(): IcebergOrder {
    const copy = new IcebergOrder(this.#thresholds);
    copy.#meanTrade.setTo(this.#meanTrade);
    for (const [at, tracked] of copy.#sides.entries()) {
      tracked.reserves = (this.#sides[at]?.reserves ?? []).map((reserve) => ({ ...reserve }));
    }
    return copy;
  }

  detect({ moment, before }: DetectorInput, raise: RaiseAlert): void {
    if (moment.trades.length === 0) return;
    const known = this.#meanTrade.count > 50;
    for (const tracked of this.#sides) {
      if (before === undefined) tracked.reserves = [];
      else if (known) {
        const other = this.#sides.find((one) => one !== tracked)?.reserves ?? [];
        this.#checkSide(tracked.side, tracked.reserves, other, moment, before, raise);
      }
    }
    for (const { size } of moment.trades) this.#meanTrade.add(size);
  }

  #checkSide(
    side: Side,
    reserves: Reserve[],
    other: readonly Reserve[],
    moment: FrameMoment,
    before: FrameMoment,
    raise: RaiseAlert,
  ): void {
    const least = this.#thresholds.timesTrade * this.#meanTrade.mean;
    for (const { price, size, side: taker } of moment.trades) {
      if (taker !== side.taker || size < least) continue;
      const kept = keptOf(side, price, size, moment, before);
      if (kept === undefined) continue;
      const reserve = this.#reserveOf(reserves, price, size, moment.ns);
      reserve.fills++;
      reserve.volume += size;
      reserve.kept += kept;
      reserve.lastNs = moment.ns;
      const { fills } = reserve;
      if (fills < this.#thresholds.fills || reserve.kept < this.#thresholds.kept * reserve.volume) continue;
      // Fills of that size on both sides of one price are no iceberg.
      if (other.some((one) => isAlike(one, price, size, washLikeness))) continue;
      raise({
        type: "ICEBERG_ORDER",
        severity: fills >= 16 ? "high" : fills >= 9 ? "medium" : "low",
        message: `Fills of one size at one ${side.name} price are made good again and again`,
        fields: {
          price,
          side: side.label,
          fill_count: fills,
          total_volume: roundedOrZero(reserve.volume, 8),
          avg_fill_size: roundedOrZero(reserve.volume / fills, 8),
        },
      });
    }
  }

  #reserveOf(reserves: Reserve[], price: number, size: number, ns: number): Reserve {
    const { withinNs, likeness } = this.#thresholds;
    for (let at = reserves.length - 1; at >= 0; at--) {
      if (ns - (reserves[at]?.lastNs ?? 0) > withinNs) reserves.splice(at, 1);
    }
    const known = reserves.find((reserve) => isAlike(reserve, price, size, likeness));
    if (known !== undefined) return known;
    if (reserves.length >= most) reserves.shift();
    const reserve = { price, size, fills: 0, volume: 0, kept: 0, lastNs: ns };
    reserves.push(reserve);
    return reserve;
  }
}

function isAlike(reserve: Reserve, price: number, size: number, likeness: number): boolean {
  return reserve.price === price && Math.abs(reserve.size - size) <= likeness * reserve.size;
}

/** How much of a fill the level did not lose: minus its size to its size; undefined if the level is not visible. */
function keptOf(side: Side, price: number, size: number, moment: FrameMoment, before: FrameMoment): number | undefined {
  const shown = sizeAt(levelsOf(before, side.name), price, side.inward);
  const left = sizeAt(levelsOf(moment, side.name), price, side.inward);
  if (shown === undefined || left === undefined) return undefined;
  return Math.max(-size, Math.min(size, left - Math.max(0, shown - size)));
}
