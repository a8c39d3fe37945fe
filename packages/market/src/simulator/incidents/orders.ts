import type { BookSideName } from "../../book/order-book.js";
import type { Intervention, MarketSegment } from "../market-segment.js";
import type { RestingOrder } from "../orders/resting-orders.js";
import { scenarioParameters } from "../scenario/scenario-parameters.js";
import { segmentMs } from "../segments.js";
import { type Incident, type IncidentSetup, randomSide } from "./incident.js";

/** How often the one behind staged orders looks at the market, and takes them back where they are about to trade. */
const watchMs = 10;
/** He shows them when the best price has rested for so long: while it moves nobody looks at what lies there. */
const restingMs = 200;
/** Orders that had to be taken back sooner than this were not seen, and are shown again. */
const seenMs = 300;
/** Waiting for the price to rest takes time: it is over after so many times what holding and pausing take, at the latest. */
const longestTimes = 1.3;

/** Orders far larger than others at the best price, gone before anyone can trade with them. */
export function spoofing({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { timesBestSize, cycles, holdMs, pauseMs } = scenarioParameters.spoofing[severity];
  const shows = Array.from({ length: random.integerInRange(cycles) }, () => ({
    lots: [Math.round(baseline.bestLots * random.inRange(timesBestSize))],
    holdMs: random.integerInRange(holdMs),
    pauseMs: random.integerInRange(pauseMs),
  }));
  return spoofCycles(fromMs, randomSide(random), shows);
}

/** Large orders on neighbouring levels of one side, placed and taken back at once. */
export function layering({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { levels, timesBestSize, cycles, holdMs, pauseMs } = scenarioParameters.layering[severity];
  const shows = Array.from({ length: random.integerInRange(cycles) }, () => ({
    lots: Array.from({ length: levels }, () => Math.round(baseline.bestLots * random.inRange(timesBestSize))),
    holdMs: random.integerInRange(holdMs),
    pauseMs: random.integerInRange(pauseMs),
  }));
  return spoofCycles(fromMs, randomSide(random), shows);
}

/** Orders that are shown together: on the best level and those behind it. */
interface SpoofCycle {
  readonly lots: readonly number[];
  readonly holdMs: number;
  /** After it. */
  readonly pauseMs: number;
}

/** One real order, near the best price, that stays until it is filled or the price has left it. */
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

/** Those who quote so far behind the best price take their orders back at about the same time, and stay away, wherever it goes. */
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
      market.at(untilMs, () => market.withdraw(side, distances, false));
      for (const order of market.side(side)) {
        if (order.distance === undefined || !distances.includes(order.distance)) continue;
        market.at(market.nowMs + 1 + random.integerBelow(300), () => market.cancel(order));
      }
    },
  };
  return { toMs: untilMs, side, interventions: [leave] };
}

/** Shows orders one after the other, as often as it is planned and the market lets it. */
function spoofCycles(fromMs: number, side: BookSideName, shows: readonly SpoofCycle[]): Incident {
  const last = shows.at(-1)?.pauseMs ?? 0;
  const plannedMs = shows.reduce((sum, { holdMs, pauseMs }) => sum + holdMs + pauseMs, -last);
  const toMs = fromMs + Math.round(longestTimes * plannedMs);
  const begin: Intervention = { atMs: fromMs, act: (market) => new Spoofer(market, side, shows, toMs).look() };
  return { toMs, side, interventions: [begin] };
}

/** The one behind orders that are not meant. */
class Spoofer {
  readonly #market: MarketSegment;
  readonly #side: BookSideName;
  readonly #shows: readonly SpoofCycle[];
  readonly #untilMs: number;
  #next = 0;
  #orders: readonly RestingOrder[] = [];
  #sinceMs = 0;
  #pausedMs = 0;
  #bestTick: number | undefined;
  #bestSinceMs = 0;

  constructor(market: MarketSegment, side: BookSideName, shows: readonly SpoofCycle[], untilMs: number) {
    this.#market = market;
    this.#side = side;
    this.#shows = shows;
    this.#untilMs = untilMs;
    // What rested before counts too, but nobody has looked.
    this.#bestSinceMs = market.nowMs;
  }

  look(): void {
    const now = this.#market.nowMs;
    const show = this.#shows[this.#next];
    if (show === undefined) return;
    const best = this.#market.side(this.#side).best;
    if (best !== this.#bestTick) {
      this.#bestTick = best;
      this.#bestSinceMs = now;
    }
    if (this.#orders.length > 0) this.#hold(show, now);
    else if (now >= this.#untilMs) return;
    else if (now >= this.#pausedMs && now - this.#bestSinceMs >= restingMs) this.#show(show, now);
    this.#market.at(now + watchMs, () => this.look());
  }

  #show({ lots }: SpoofCycle, now: number): void {
    const market = this.#market;
    const best = market.bestTick(this.#side);
    if (best !== this.#bestTick) return;
    const { direction } = market.side(this.#side);
    const placed = lots.map((each, level) => market.placeOrder(this.#side, best - direction * level, each, segmentMs));
    this.#orders = placed.filter((order) => order !== undefined);
    this.#sinceMs = now;
  }

  #hold({ holdMs, pauseMs }: SpoofCycle, now: number): void {
    const market = this.#market;
    const best = market.bestTick(this.#side);
    const { direction } = market.side(this.#side);
    // Others are about to trade with the first of them.
    const stale = this.#orders.some(({ tick }) => direction * (tick - best) > 0);
    if (!stale && now < this.#sinceMs + holdMs && now < this.#untilMs) return;
    for (const order of this.#orders) market.cancel(order);
    this.#orders = [];
    this.#pausedMs = now + pauseMs;
    if (now - this.#sinceMs >= seenMs) this.#next++;
  }
}
