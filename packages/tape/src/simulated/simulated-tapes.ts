import { randomUUID } from "node:crypto";
import { framesPerSegment, type OwnOrder, SimulatedMarket, segments } from "@tapedeck/market";
import type { TapeNs, TapeOverview } from "@tapedeck/protocol";
import { LRUCache } from "lru-cache";
import { TapeNotFound } from "../errors.js";
import type { BlockCache } from "../reading/block-cache.js";
import type { TapeEvent } from "../tape.js";
import {
  type ForkedTape,
  OrderLists,
  type PlacedOrder,
  type ReactingTape,
  type ReadOrders,
  type SettledOrder,
} from "./forks.js";
import { frameNs } from "./layout.js";
import { type MarketSearch, SearchThread } from "./search-thread.js";
import { type SegmentGenerator, SegmentPool } from "./segment-pool.js";
import { canGenerate, parseSimulatedName, type SimulatedName, simulatedId } from "./simulated-name.js";
import { SimulatedTape } from "./simulated-tape.js";

const openTapes = 1_000;
/** Segments whose events are kept: some kilobytes each at most. */
const segmentsWithEvents = 2_000;
/** Orders that the market of one tape sees of what was taken at a venue: each opened tape has a list of them. */
const mostOrders = 5_000;
/** Characters of an order's id. */
const idLength = 12;

/** The simulated tapes of a process: any that has a name. */
export class SimulatedTapes {
  readonly #cache: BlockCache;
  readonly #maker: SegmentGenerator;
  readonly #orders: OrderLists;
  readonly #search: MarketSearch;
  readonly #events = new LRUCache<number, readonly TapeEvent[]>({ max: segmentsWithEvents });
  readonly #opened = new LRUCache<string, SimulatedTape>({ max: openTapes });

  constructor(
    cache: BlockCache,
    maker: SegmentGenerator = new SegmentPool(),
    readOrders: ReadOrders = async () => [],
    search: MarketSearch = new SearchThread(),
  ) {
    this.#cache = cache;
    this.#maker = maker;
    this.#orders = new OrderLists(readOrders);
    this.#search = search;
  }

  /** Gets ready to make the first segment quickly: for services that play tapes, when they start. */
  async warmUp(): Promise<void> {
    if (this.#maker instanceof SegmentPool) await this.#maker.warmUp();
  }

  /** Whether a tape of this name would be a simulated one. */
  isSimulated(name: string): boolean {
    return parseSimulatedName(name) !== undefined;
  }

  /** Whether it is one with a user's own orders, which is for that user's session alone. */
  isFork(name: string): boolean {
    return parseSimulatedName(name)?.fork !== undefined;
  }

  /** Rejects with `TapeNotFound` for one that this release cannot make, or whose orders are gone with their session. */
  async open(text: string): Promise<SimulatedTape> {
    const name = parseSimulatedName(text);
    if (name === undefined) throw new TapeNotFound(text);
    if (name.fork === undefined) return this.market(name);
    const known = this.#opened.get(keyOf(name));
    if (known !== undefined) return known;
    const orders = await this.#orders.chain(name.fork.order, name.fork.session);
    if (orders === undefined) throw new TapeNotFound(text);
    return this.#tapeWith(name, name.fork.session, orders);
  }

  /** A market without orders of a user. Throws `TapeNotFound` if this release cannot generate it. */
  market(name: SimulatedName): SimulatedTape {
    return this.#tapeWith(name, "", []);
  }

  /**
   * What an order makes of a tape: it follows on the tape's orders up to its own frame, and later ones don't count. Undefined
   * where the order gets nothing. Rejects as `open` does.
   */
  async fork(text: string, session: string, order: OwnOrder): Promise<ForkedTape | undefined> {
    const { name, orders } = await this.open(text);
    const kept = orders.filter(({ seq }) => seq <= order.seq);
    const given = { ...order, id: newId(), after: kept.at(-1)?.id ?? "" };
    const fill = await this.#maker.fill({ name, orders: [...kept, given] });
    if (fill === undefined) return undefined;
    const appended = orders.length > 0 && kept.length === orders.length;
    const filled = { ...given, filled: fill.size };
    return { tape: this.#tapeWith(name, session, [...kept, filled]).id, order: filled, appended, fill };
  }

  /**
   * The tape whose market sees what an order took at a venue, after what it saw of others before. Nothing is computed for that: how much was taken is
   * known. Later orders that were given to the market itself don't count. Undefined for a tape with too many. Rejects as `open` does.
   */
  async react(text: string, session: string, settled: SettledOrder): Promise<ReactingTape | undefined> {
    const { name, orders } = await this.open(text);
    if (orders.length >= mostOrders) return undefined;
    const { sent, side, quantity } = settled;
    const seq = Math.max(settled.seq, orders.findLast((order) => order.settled)?.seq ?? 0);
    const kept = orders.filter((order) => order.seq <= seq);
    const after = kept.at(-1)?.id ?? "";
    const order = { ...{ id: newId(), after, seq, side, quantity }, filled: quantity, settled: true, sent };
    return { tape: this.#tapeWith(name, session, [...kept, order]).id, order };
  }

  /**
   * The tape without what was taken by actions sent after a place, and without what followed on that. Rejects as `open` does.
   *
   * @param until tape time; below 0: without any
   */
  async undo(text: string, until: TapeNs): Promise<SimulatedTape> {
    const tape = await this.open(text);
    const first = tape.orders.findIndex(({ sent }) => sent !== undefined && sent > until);
    if (first < 0 || tape.name.fork === undefined) return tape;
    return this.#tapeWith(tape.name, tape.name.fork.session, tape.orders.slice(0, first));
  }

  #tapeWith(market: SimulatedName, session: string, orders: readonly PlacedOrder[]): SimulatedTape {
    const { fork: _, ...bare } = market;
    const last = orders.at(-1);
    const name: SimulatedName = last === undefined ? bare : { ...bare, fork: { session, order: last.id } };
    const key = keyOf(name);
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    if (!canGenerate(name)) throw new TapeNotFound(key);
    const tape = new SimulatedTape({
      name,
      market: new SimulatedMarket(name),
      cache: this.#cache,
      maker: this.#maker,
      search: this.#search,
      events: this.#events,
      orders,
      untilOrder: (order) =>
        this.#tapeWith(market, session, order === undefined ? [] : orders.slice(0, orders.indexOf(order) + 1)),
    });
    this.#opened.set(key, tape);
    return tape;
  }

  /** A line of at most `points` points over the whole tape, by its fair price. Rejects as `open` does. */
  async overview(text: string, points: number, signal?: AbortSignal): Promise<TapeOverview> {
    const tape = await this.open(text);
    const count = Math.max(1, Math.min(points, segments));
    const sampled = Array.from({ length: count }, (_, at) => Math.floor((at * segments) / count));
    const prices = await this.#search.prices({ name: tape.name, segments: sampled }, signal);
    const line = prices.map((price, at) => {
      const seq = (sampled[at] ?? 0) * framesPerSegment;
      return { ts: tape.iso(seq * frameNs), seq, price, low: price, high: price };
    });
    return { id: tape.view().id, points: line, gaps: [], events: [] };
  }
}

function newId(): string {
  return randomUUID().replaceAll("-", "").slice(-idLength);
}

function keyOf(name: SimulatedName): string {
  return `${simulatedId(name)}@${name.version}`;
}
