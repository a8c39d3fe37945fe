import { framesPerSegment, segments } from "@tapedeck/market";
import { LRUCache } from "lru-cache";
import type { BlockCache } from "../block-cache.js";
import type { TapeOverview } from "../tape-catalog.js";
import { TapeNotFound } from "../tape-errors.js";
import { generatorOf } from "./generators.js";
import { frameNs } from "./layout.js";
import { type SegmentMaker, SegmentPool } from "./segment-pool.js";
import { currentGenerator, parseSimulatedName, simulatedId } from "./simulated-name.js";
import { SimulatedTape } from "./simulated-tape.js";

const openTapes = 1_000;

/** The simulated tapes of a process: any that has a name. */
export class SimulatedTapes {
  readonly #cache: BlockCache;
  readonly #maker: SegmentMaker;
  readonly #opened = new LRUCache<string, SimulatedTape>({ max: openTapes });

  constructor(cache: BlockCache, maker: SegmentMaker = new SegmentPool()) {
    this.#cache = cache;
    this.#maker = maker;
  }

  /** Gets ready to make the first segment quickly: for services that play tapes, when they start. */
  async warmUp(): Promise<void> {
    const name = parseSimulatedName(`sim${currentGenerator}.BTCUSDT.0.mixed`);
    if (name !== undefined && this.#maker instanceof SegmentPool) await this.#maker.warmUp({ name, segment: 1 });
  }

  /** Whether a tape of this name would be a simulated one. */
  names(name: string): boolean {
    return parseSimulatedName(name) !== undefined;
  }

  /** Throws `TapeNotFound` for one that this release cannot make. */
  open(text: string): SimulatedTape {
    const name = parseSimulatedName(text);
    if (name === undefined) throw new TapeNotFound(text);
    const key = `${simulatedId(name)}@${name.version}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const generator = generatorOf(name);
    if (generator === undefined) throw new TapeNotFound(text);
    const tape = new SimulatedTape(name, generator.market(name), this.#cache, this.#maker);
    this.#opened.set(key, tape);
    return tape;
  }

  /** A line of at most `points` points over the whole tape, by its fair price. Throws as `open` does. */
  overview(text: string, points: number): TapeOverview {
    const tape = this.open(text);
    const count = Math.max(1, Math.min(points, segments));
    const line = Array.from({ length: count }, (_, at) => {
      const segment = Math.floor((at * segments) / count);
      const price = tape.fairPrice(segment);
      const seq = segment * framesPerSegment;
      return { ts: tape.iso(seq * frameNs), seq, price, low: price, high: price };
    });
    return { id: tape.view().id, points: line, gaps: [], events: [] };
  }
}
