import type { MarketEvent } from "../frame-builder.js";
import { borderBook } from "./border-book.js";
import { type Instrument, instrumentOf } from "./instrument.js";
import type { IncidentLabel } from "./label.js";
import { type Intervention, Market } from "./market.js";
import { PricePath } from "./price-path.js";
import { RandomStream } from "./random-stream.js";
import { parseScenario, type Staging, scenarioNames } from "./scenario.js";
import { type Staged, stagedIn } from "./schedule.js";
import { frameMs, segmentMs, segments } from "./segments.js";
import { type Usual, usualOf } from "./usual.js";

export interface SimulatedMarketOptions {
  readonly symbol: string;
  readonly seed: string | number;
  /** As `parseScenario` reads it. */
  readonly scenario?: string;
}

/** Nanoseconds since 1970 of tape time 0. Frames close 1 ms before whole tenths of a second. */
export const simulatedStartNs = BigInt(Date.UTC(2025, 0, 1) + frameMs - 1) * 1_000_000n;

/** A market fixed for ever by symbol, seed and scenario, of which any minute can be made without the ones before it. */
export class SimulatedMarket {
  readonly instrument: Instrument;
  readonly scenario: readonly Staging[];
  readonly usual: Usual;
  readonly #seed: string;
  readonly #path: PricePath;

  /** Throws `RangeError` where the scenario is not known. */
  constructor({ symbol, seed, scenario = "calm" }: SimulatedMarketOptions) {
    const stagings = parseScenario(scenario);
    if (stagings === undefined) throw new RangeError(`${scenario} is no scenario: ${scenarioNames.join(", ")}`);
    this.instrument = instrumentOf(symbol);
    this.scenario = stagings;
    this.usual = usualOf(this.instrument);
    this.#seed = `${symbol.toUpperCase()}/${seed}`;
    this.#path = new PricePath(this.#seed, this.instrument);
  }

  /** The book as a segment begins, as one event. */
  opening(segment: number): MarketEvent {
    return this.#market(segment, []).opening();
  }

  /**
   * All that happens in a segment, in order, on the book that `opening` shows: the state that the segment before it ends with.
   * Each of its 600 intervals of 100 ms ends with an event, at tape time (600 n + i) * 100 ms. `orders` are somebody's own
   * acts in this market, on top of what is staged.
   */
  events(segment: number, orders: readonly Intervention[] = []): Generator<MarketEvent> {
    return this.#market(segment, orders).run();
  }

  /** As `events`, but the market too, for what a frame's text still needs of it. */
  market(segment: number, orders: readonly Intervention[] = []): Market {
    return this.#market(segment, orders);
  }

  /** What is staged between two tape times. */
  labels(fromNs: number, toNs: number): IncidentLabel[] {
    const first = Math.max(0, segmentAt(fromNs));
    const last = Math.min(segments - 1, segmentAt(toNs));
    const labels: IncidentLabel[] = [];
    for (let segment = first; segment <= last; segment++) {
      const label = this.#staged(segment)?.label;
      if (label !== undefined && label.toNs >= fromNs && label.fromNs <= toNs) labels.push(label);
    }
    return labels;
  }

  /** The fair price as a segment begins, in price units. */
  fairPrice(segment: number): number {
    return Math.round(this.#path.at(segment)) / Number(`1e${this.instrument.priceDecimals}`);
  }

  #staged(segment: number): Staged | undefined {
    const { scenario, usual, instrument } = this;
    if (scenario.length === 0) return undefined;
    const scale = Number(`1e${instrument.priceDecimals}`);
    const path = this.#path.segment(segment);
    return stagedIn({ seed: this.#seed, scenario, segment, path, usual, price: (tick) => tick / scale });
  }

  #market(segment: number, orders: readonly Intervention[]): Market {
    const incident = this.#staged(segment)?.incident;
    const border = (number: number) => borderBook(this.#seed, number, this.#path.at(number), this.instrument);
    return new Market({
      segment,
      instrument: this.instrument,
      path: this.#path.segment(segment),
      random: new RandomStream(this.#seed, "flow", segment),
      from: border(segment),
      to: border(segment + 1),
      startNs: simulatedStartNs,
      interventions: [...(incident?.interventions ?? []), ...orders],
      shiftAt: incident?.shiftAt ?? (() => 0),
    });
  }
}

function segmentAt(ns: number): number {
  return Math.floor((ns / 1e6 + frameMs) / segmentMs);
}
