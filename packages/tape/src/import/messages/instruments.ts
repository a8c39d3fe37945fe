import type { TimeDecimals } from "@tapedeck/protocol";
import type { Instrument } from "../events/source-event.js";

/** A venue's instruments by symbol: each is always the same object. */
export class Instruments {
  readonly #source: string;
  readonly #decimals: TimeDecimals;
  readonly #known = new Map<string, Instrument>();

  constructor(source: string, decimals: TimeDecimals) {
    this.#source = source;
    this.#decimals = decimals;
  }

  of(symbol: string): Instrument {
    const known = this.#known.get(symbol);
    if (known !== undefined) return known;
    const instrument = { symbol, source: this.#source, decimals: this.#decimals };
    this.#known.set(symbol, instrument);
    return instrument;
  }
}

/** What is kept for each book of a venue, made when it is first asked for. */
export class PerBook<State> {
  readonly #make: () => State;
  readonly #known = new Map<string, State>();

  constructor(make: () => State) {
    this.#make = make;
  }

  of(symbol: string): State {
    const known = this.#known.get(symbol);
    if (known !== undefined) return known;
    const made = this.#make();
    this.#known.set(symbol, made);
    return made;
  }

  values(): Iterable<State> {
    return this.#known.values();
  }
}
