import type { BookSideName } from "../../book/order-book.js";
import type { Intervention, MarketSegment } from "../market-segment.js";
import type { RestingOrder } from "../orders/resting-orders.js";
import { scenarioParameters } from "../scenario/scenario-parameters.js";
import { segmentMs } from "../segments.js";
import { type Incident, type IncidentSetup, randomSide } from "./incident.js";

/** How often a spoofer checks the market, and cancels orders that are about to trade. */
const checkMs = 10;
/** Orders are placed once the best price has not moved for this long, so that they are noticed. */
const stableMs = 200;
/** A cycle whose orders were cancelled sooner than this is repeated. */
const seenMs = 300;
/** Time limit of an incident as a multiple of its planned duration, since waiting for a stable price takes time. */
const longestTimes = 1.3;

/** Orders far larger than others at the best price, cancelled before they can trade. */
export function spoofing({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { timesBestSize, cycles, holdMs, pauseMs } = scenarioParameters.spoofing[severity];
  const cycleList = Array.from({ length: random.integerInRange(cycles) }, () => ({
    lots: [Math.round(baseline.bestLots * random.inRange(timesBestSize))],
    holdMs: random.integerInRange(holdMs),
    pauseMs: random.integerInRange(pauseMs),
  }));
  return spoofCycles(fromMs, randomSide(random), cycleList);
}

/** Large orders on adjacent levels of one side, placed and cancelled together. */
export function layering({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { levels, timesBestSize, cycles, holdMs, pauseMs } = scenarioParameters.layering[severity];
  const cycleList = Array.from({ length: random.integerInRange(cycles) }, () => ({
    lots: Array.from({ length: levels }, () => Math.round(baseline.bestLots * random.inRange(timesBestSize))),
    holdMs: random.integerInRange(holdMs),
    pauseMs: random.integerInRange(pauseMs),
  }));
  return spoofCycles(fromMs, randomSide(random), cycleList);
}

/** Orders placed and cancelled together, on the best level and those behind it. */
interface SpoofCycle {
  readonly lots: readonly number[];
  readonly holdMs: number;
  /** Pause after the cycle. */
  readonly pauseMs: number;
}

/** One genuine order near the best price that stays until it is filled or the price leaves it. */
export function largeOrder({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { timesBestSize, staysMs } = scenarioParameters.large_order[severity];
  const side = randomSide(random);
  const behind = random.integerBelow(2);
  const lots = Math.round(baseline.bestLots * random.inRange(timesBestSize));
  const lifeMs = random.integerInRange(staysMs);
  const place: Intervention = {
    atMs: fromMs,
    act: (market) => {
      const { direction } = market.side(side);
      market.placeOrder(side, market.bestTick(side) - direction * behind, lots, lifeMs);
    },
  };
  return { toMs: fromMs + lifeMs, side, interventions: [place] };
}

/** All orders at some distances behind the best price are cancelled at about the same time and not replaced, wherever it moves. */
export function liquidityGap({ fromMs, severity, random }: IncidentSetup): Incident {
  const { levels, lastsMs } = scenarioParameters.liquidity_gap[severity];
  const side = randomSide(random);
  const count = random.integerInRange(levels);
  const first = random.integerBelow(10 - count) + 1;
  const untilMs = fromMs + random.integerInRange(lastsMs);
  const distances = Array.from({ length: count }, (_, n) => first + n);
  const leave: Intervention = {
    atMs: fromMs,
    act: (market) => {
      market.withdraw(side, distances, true);
      market.at(untilMs, (later) => later.withdraw(side, distances, false));
      // Copies of the market draw the same.
      const times = random.copy();
      for (const { number, distance } of market.side(side)) {
        if (distance === undefined || !distances.includes(distance)) continue;
        market.at(market.nowMs + 1 + times.integerBelow(300), (later) => later.cancel(number));
      }
    },
  };
  return { toMs: untilMs, side, interventions: [leave] };
}

/** Runs the cycles one after another, as far as the market allows. */
function spoofCycles(fromMs: number, side: BookSideName, cycles: readonly SpoofCycle[]): Incident {
  const last = cycles.at(-1)?.pauseMs ?? 0;
  const plannedMs = cycles.reduce((sum, { holdMs, pauseMs }) => sum + holdMs + pauseMs, -last);
  const toMs = fromMs + Math.round(longestTimes * plannedMs);
  const spoofer = new Spoofer(side, cycles, toMs);
  const begin: Intervention = { atMs: fromMs, act: (market) => spoofer.begin(market) };
  return { toMs, side, interventions: [begin] };
}

/** How far a spoofer has come. */
interface SpoofState {
  /** Of the cycles. */
  readonly next: number;
  /** They have fixed prices. */
  readonly orders: readonly Pick<RestingOrder, "number" | "tick">[];
  readonly sinceMs: number;
  readonly pausedMs: number;
  readonly bestTick: number | undefined;
  readonly bestSinceMs: number;
}

/** Places and cancels orders that are not meant to trade. Its state is handed from check to check, since the market may be copied between two. */
class Spoofer {
  readonly #side: BookSideName;
  readonly #cycles: readonly SpoofCycle[];
  readonly #untilMs: number;

  constructor(side: BookSideName, cycles: readonly SpoofCycle[], untilMs: number) {
    this.#side = side;
    this.#cycles = cycles;
    this.#untilMs = untilMs;
  }

  begin(market: MarketSegment): void {
    // The time before is unknown and doesn't count.
    const bestSinceMs = market.nowMs;
    this.#check(market, { next: 0, orders: [], sinceMs: 0, pausedMs: 0, bestTick: undefined, bestSinceMs });
  }

  #check(market: MarketSegment, before: SpoofState): void {
    const now = market.nowMs;
    const cycle = this.#cycles[before.next];
    if (cycle === undefined) return;
    const best = market.side(this.#side).best;
    let state = best === before.bestTick ? before : { ...before, bestTick: best, bestSinceMs: now };
    if (state.orders.length > 0) state = this.#hold(market, cycle, state);
    else if (now >= this.#untilMs) return;
    else if (now >= state.pausedMs && now - state.bestSinceMs >= stableMs) state = this.#place(market, cycle, state);
    market.at(now + checkMs, (later) => this.#check(later, state));
  }

  #place(market: MarketSegment, { lots }: SpoofCycle, state: SpoofState): SpoofState {
    const best = market.bestTick(this.#side);
    if (best !== state.bestTick) return state;
    const { direction } = market.side(this.#side);
    const placed = lots.map((each, level) => market.placeOrder(this.#side, best - direction * level, each, segmentMs));
    const orders = placed.flatMap((order) => (order === undefined ? [] : { number: order.number, tick: order.tick }));
    return { ...state, orders, sinceMs: market.nowMs };
  }

  #hold(market: MarketSegment, { holdMs, pauseMs }: SpoofCycle, state: SpoofState): SpoofState {
    const now = market.nowMs;
    const { orders, sinceMs, next } = state;
    const best = market.bestTick(this.#side);
    const { direction } = market.side(this.#side);
    // The first of them is about to trade.
    const stale = orders.some(({ tick }) => direction * (tick - best) > 0);
    if (!stale && now < sinceMs + holdMs && now < this.#untilMs) return state;
    for (const { number } of orders) market.cancel(number);
    return { ...state, orders: [], pausedMs: now + pauseMs, next: now - sinceMs >= seenMs ? next + 1 : next };
  }
}
