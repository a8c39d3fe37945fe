import { type Baseline, baselineOf, type Instrument, instrumentOf } from "./instrument.js";
import { MarketSegment, type OwnEffects, type SegmentEvent } from "./market-segment.js";
import { borderBook, borderReference } from "./orders/border-book.js";
import type { OrderObserver } from "./orders/order-observer.js";
import { OwnImpact } from "./orders/own-impact.js";
import { type OnTraded, type OwnOrder, orderInterventions, orderMs, sizeOfTrades } from "./orders/own-orders.js";
import { PricePath } from "./price-path.js";
import { RandomStream } from "./random/random-stream.js";
import { parseScenario, type ScenarioEntry, scenarioNames } from "./scenario/scenario.js";
import type { IncidentLabel } from "./scenario/schedule.js";
import { incidentsIn, type PlannedIncident, type ScheduledIncident } from "./scenario/schedule.js";
import { frameMs, segmentMs, segments, tapeMsOf } from "./segments.js";

interface SimulatedMarketOptions {
  readonly symbol: string;
  readonly seed: string | number;
  /** A text for `parseScenario`. */
  readonly scenario?: string;
  /** Incidents at chosen times, in order. The scenario's incidents begin after the segment of the last one. */
  readonly plan?: readonly PlannedIncident[];
}

/** Nanoseconds since 1970 of tape time 0. Frames end 1 ms before whole tenths of a second. */
export const simulatedStartNs = BigInt(Date.UTC(2025, 0, 1) + frameMs - 1) * 1_000_000n;

/** A reproducible market of a symbol, seed and scenario, of which any minute can be made without the minutes before it. */
export class SimulatedMarket {
  readonly instrument: Instrument;
  readonly scenario: readonly ScenarioEntry[];
  readonly baseline: Baseline;
  readonly #seed: string;
  readonly #path: PricePath;
  readonly #plan: readonly PlannedIncident[];

  /** Throws `RangeError` for an unknown scenario. */
  constructor({ symbol, seed, scenario = "calm", plan = [] }: SimulatedMarketOptions) {
    const entries = parseScenario(scenario);
    if (entries === undefined)
      throw new RangeError(`unknown scenario ${scenario}; known are ${scenarioNames.join(", ")}`);
    this.instrument = instrumentOf(symbol);
    this.scenario = entries;
    this.#plan = plan;
    this.baseline = baselineOf(this.instrument);
    this.#seed = `${symbol.toUpperCase()}/${seed}`;
    this.#path = new PricePath(this.#seed, this.instrument);
  }

  /** The book at the beginning of a segment as one event; `orders` as for `segment`. */
  opening(segment: number, orders: readonly OwnOrder[] = []): SegmentEvent {
    return this.segment(segment, orders).opening();
  }

  /**
   * All events of a segment in order, starting from the book of `opening`, which the previous segment ends with. Each of its 600
   * intervals of 100 ms ends with an event, at tape time (600 n + i) * 100 ms.
   */
  events(segment: number): Generator<SegmentEvent> {
    return this.segment(segment).run();
  }

  /**
   * The market of a segment, to be run. `orders` are a user's own, in addition to the incidents: those of this segment trade, and those
   * of earlier segments affect its prices by their filled quantity. Before an order executes nothing differs from the market without it.
   * An observer learns at once of the orders in the opening book.
   */
  segment(
    segment: number,
    orders: readonly OwnOrder[] = [],
    { onTraded, observer }: { readonly onTraded?: OnTraded; readonly observer?: OrderObserver } = {},
  ): MarketSegment {
    const incidents = this.#incidents(segment).map(({ incident }) => incident);
    const incidentShiftAt = (ms: number) => {
      let shift = 0;
      for (const incident of incidents) shift += incident.shiftAt?.(ms) ?? 0;
      return shift;
    };
    const beginMs = tapeMsOf(segment, 0);
    const impact = new OwnImpact(orders, this.instrument);
    const border = (number: number) =>
      borderBook(this.#seed, number, this.#borderTicks(number, impact, beginMs), this.instrument);
    return new MarketSegment({
      segment,
      instrument: this.instrument,
      path: this.#path.segment(segment),
      random: new RandomStream(this.#seed, "flow", segment),
      from: border(segment),
      to: border(segment + 1),
      startNs: simulatedStartNs,
      interventions: incidents.flatMap(({ interventions }) => interventions),
      incidentShiftAt,
      own: this.#effectsOf(orders, impact, segment, onTraded),
      observer,
    });
  }

  /**
   * A copy of a segment's market, between two frames, with these orders from then on. Those of earlier frames are the ones that it had, and are filled.
   */
  copy(running: MarketSegment, orders: readonly OwnOrder[], observer?: OrderObserver): MarketSegment {
    const impact = new OwnImpact(orders, this.instrument);
    return running.copy(this.#effectsOf(orders, impact, running.segment), observer);
  }

  #effectsOf(orders: readonly OwnOrder[], impact: OwnImpact, segment: number, onTraded?: OnTraded): OwnEffects {
    const interventions = orderInterventions(orders, segment, (order, trades, market) => {
      if (order.settled !== true) impact.recordFill(order, sizeOfTrades(trades));
      const fair = this.#borderTicks(segment + 1, impact, orderMs(order));
      market.setEndReference(borderReference(this.#seed, segment + 1, fair, this.instrument));
      onTraded?.(order, trades, market);
    });
    const beginMs = tapeMsOf(segment, 0);
    return { interventions, shiftAt: (ms) => (orders.length === 0 ? 0 : impact.at(beginMs + ms)) };
  }

  /** The fair price at the beginning of a segment, with the impact of orders up to a time. */
  #borderTicks(segment: number, impact: OwnImpact, untilMs: number): number {
    return this.#path.at(segment) + impact.at(tapeMsOf(segment, 0), untilMs);
  }

  /** Labels of the incidents between two tape times. */
  labels(fromNs: number, toNs: number): IncidentLabel[] {
    const first = Math.max(0, segmentAt(fromNs));
    const last = Math.min(segments - 1, segmentAt(toNs));
    const labels: IncidentLabel[] = [];
    for (let segment = first; segment <= last; segment++) {
      for (const { label } of this.#incidents(segment)) {
        if (label.toNs >= fromNs && label.fromNs <= toNs) labels.push(label);
      }
    }
    return labels;
  }

  /** The fair price at the beginning of a segment, in price units. */
  fairPrice(segment: number): number {
    return Math.round(this.#path.at(segment)) / Number(`1e${this.instrument.priceDecimals}`);
  }

  #incidents(segment: number): readonly ScheduledIncident[] {
    const { scenario, baseline, instrument } = this;
    if (scenario.length === 0 && this.#plan.length === 0) return [];
    const scale = Number(`1e${instrument.priceDecimals}`);
    const path = this.#path.segment(segment);
    return incidentsIn({
      seed: this.#seed,
      scenario,
      plan: this.#plan,
      segment,
      path,
      baseline,
      price: (tick) => tick / scale,
    });
  }
}

function segmentAt(ns: number): number {
  return Math.floor((ns / 1e6 + frameMs) / segmentMs);
}
