import type { AccountView, Action, Output } from "./actions.js";
import { Exchange, type Said } from "./exchange/exchange.js";
import { larger } from "./larger.js";
import { latencyNs } from "./latency.js";
import type { MatchingSettings } from "./settings.js";
import {
  actionOf,
  actionState,
  bigintOf,
  type EngineState,
  engineState,
  type TapeState,
  textOf,
  workingOf,
  workingState,
} from "./state.js";
import type { TapeEvent } from "./tape-events.js";

interface Arrival {
  readonly action: Action;
  readonly arrivesNs: bigint;
}

/**
 * Fills orders from a tape. What it says is a function of its settings, the tape's events and the actions with their times: not of when
 * it is called, and of nothing that is later on the tape. `docs/spec/matching.md` has the rules.
 *
 * Give events in their order and each action before an event that is later than its arrival; take the outputs after any call.
 */
export class MatchingEngine {
  readonly settings: MatchingSettings;
  readonly #exchange: Exchange;
  #inbox: Arrival[] = [];
  #outputs: Output[] = [];
  #n = -1;
  /** The latest time of an event or an action so far: the tape's clock, which does not go back. */
  #timeNs = -1n;
  /** Actions that arrive until then have been executed. */
  #advancedNs = -1n;
  readonly #counts = { sent: 0, said: 0 };
  #lastSentNs = -1n;
  #lastArrivalNs = -1n;
  #lastHeardNs = -1n;

  constructor(settings: MatchingSettings, account?: EngineState["account"]) {
    this.settings = settings;
    this.#exchange = new Exchange(settings, (said) => this.#hear(said), account);
  }

  /**
   * Goes on where another engine was when it gave its `state` and the tape's.
   * @throws if the state is not that of an engine
   */
  static restore(settings: MatchingSettings, value: unknown, tape: TapeState): MatchingEngine {
    const state = engineState.parse(value);
    const engine = new MatchingEngine(settings, state.account);
    engine.#restore(state, tape);
    return engine;
  }

  /** The number of the last event; -1: none. */
  get n(): number {
    return this.#n;
  }

  /** The account now, with what open orders hold. Outputs have it after each fill only. */
  get account(): AccountView {
    return this.#exchange.account;
  }

  /**
   * Sends an action to the venue.
   * @returns when it arrives there, in nanoseconds since 1970
   * @throws RangeError if it was sent before the action before it, or would arrive before something that has happened
   */
  submit(action: Action): bigint {
    if (action.sentNs < this.#lastSentNs)
      throw new RangeError(`sentNs: ${action.sentNs} is before ${this.#lastSentNs}, when the last action was sent`);
    const arrivesNs = this.#arrivalOf(action.sentNs, 0, this.#lastArrivalNs);
    if (arrivesNs < this.earliestArrivalNs)
      throw new RangeError(`sentNs: an action sent at ${action.sentNs} arrives before ${this.#timeNs}, which is past`);
    this.#counts.sent++;
    this.#lastSentNs = action.sentNs;
    this.#lastArrivalNs = arrivesNs;
    this.#inbox.push({ action, arrivesNs });
    return arrivesNs;
  }

  /** When orders end by their own time, or by a countdown, if nothing else happens before; undefined: never. */
  get nextTimerNs(): bigint | undefined {
    return this.#exchange.timers.nextNs;
  }

  /** No action can arrive any more before this: it is past. */
  get earliestArrivalNs(): bigint {
    return larger(this.#timeNs, this.#advancedNs + 1n);
  }

  /** When actions will arrive that are sent next, at these times and in this order, whether or not that is past. */
  arrivalsOf(sentNs: readonly bigint[]): bigint[] {
    let last = this.#lastArrivalNs;
    return sentNs.map((ns, at) => {
      last = this.#arrivalOf(ns, at, last);
      return last;
    });
  }

  /** Whether an event that comes later may make it say something, if nothing else happens before it. False is certain. */
  mayConcern(event: TapeEvent): boolean {
    return this.#exchange.mayConcern(event);
  }

  // HOT: once per event of a tape.
  /**
   * The next event of the tape. Actions that arrive before it are executed first; those that arrive at its time come after it.
   * @throws RangeError if it does not follow what has happened
   */
  event(event: TapeEvent): void {
    const timeNs = larger(event.timestampNs, this.#timeNs);
    if (timeNs <= this.#advancedNs) throw new RangeError(`event ${event.n} is not later than ${this.#advancedNs}`);
    if (event.n < this.#n) throw new RangeError(`event ${event.n} comes after event ${this.#n}`);
    if (this.#inbox.length > 0 || this.nextTimerNs !== undefined) this.#execute(timeNs - 1n);
    this.#timeNs = timeNs;
    this.#n = event.n;
    if (event.kind === "book") this.#exchange.update(event);
    else if (event.kind === "trade") this.#exchange.trade(event);
    else this.#exchange.orders(event);
  }

  /** The tape has no further event until then, inclusive: executes all actions that arrive until then, and ends what ends by then. */
  advance(toNs: bigint): void {
    if (toNs <= this.#advancedNs || toNs < this.#timeNs) return;
    this.#execute(toNs);
    this.#timeNs = this.#advancedNs = toNs;
  }

  /** What happened since the last call, in its order. */
  take(): Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** As JSON; without outputs that were not taken. The tape's part is in `tapeState`. */
  state(): EngineState {
    const { own, timers, book, counts, lastPrice, accountState } = this.#exchange;
    return {
      version: 1,
      n: this.#n,
      timeNs: `${this.#timeNs}`,
      advancedNs: `${this.#advancedNs}`,
      ...(lastPrice === undefined ? {} : { lastPrice }),
      counts: { ...counts, ...this.#counts },
      lastSentNs: `${this.#lastSentNs}`,
      lastArrivalNs: `${this.#lastArrivalNs}`,
      lastHeardNs: `${this.#lastHeardNs}`,
      ...textOf("countdownNs", timers.countdownNs),
      account: accountState,
      working: [...own.values()].map(workingState),
      taken: { bid: [...book.taken.bid], ask: [...book.taken.ask] },
      inbox: this.#inbox.map(({ arrivesNs, action }) => ({ arrivesNs: `${arrivesNs}`, ...actionState(action) })),
    };
  }

  /** What it knows of the tape; of the book the best `levels` of each side. Its orders are read before the engine goes on: they are thousands, and no copy. */
  tapeState(levels = Number.POSITIVE_INFINITY): TapeState {
    const { book, queue } = this.#exchange;
    const { bids, asks } = book.levels;
    return {
      bids: bids.top(Math.min(levels, bids.depth)),
      asks: asks.top(Math.min(levels, asks.depth)),
      ...(queue === undefined ? {} : { queue: { next: queue.next, orders: queue.orders } }),
    };
  }

  #restore(state: EngineState, tape: TapeState): void {
    const { book, counts, queue } = this.#exchange;
    book.replace([...tape.bids], [...tape.asks]);
    for (const side of ["bid", "ask"] as const) {
      for (const [price, amount] of state.taken[side]) book.take(side, price, amount);
    }
    if (queue !== undefined && tape.queue !== undefined) {
      for (const [id, order] of tape.queue.orders) queue.orders.set(id, { ...order });
      queue.continueAt(tape.queue.next);
    }
    this.#reopen(state.working);
    const { sent, said, ...ofExchange } = state.counts;
    Object.assign(counts, ofExchange);
    Object.assign(this.#counts, { sent, said });
    this.#exchange.lastPrice = state.lastPrice;
    this.#exchange.timers.countdownNs = bigintOf(state.countdownNs);
    this.#n = state.n;
    this.#timeNs = BigInt(state.timeNs);
    this.#advancedNs = BigInt(state.advancedNs);
    this.#lastSentNs = BigInt(state.lastSentNs);
    this.#lastArrivalNs = BigInt(state.lastArrivalNs);
    this.#lastHeardNs = BigInt(state.lastHeardNs);
    this.#inbox = state.inbox.map(({ arrivesNs, ...sent }) => ({
      arrivesNs: BigInt(arrivesNs),
      action: actionOf(sent),
    }));
  }

  /** Orders are open in the order of their numbers, and rest in that of their places. */
  #reopen(working: EngineState["working"]): void {
    this.#exchange.reopen(working.map(workingOf));
  }

  /** @param further how many actions are sent before it that were not submitted yet. @param lastNs when the one before it arrives */
  #arrivalOf(sentNs: bigint, further: number, lastNs: bigint): bigint {
    const { latency, seed } = this.settings;
    return larger(sentNs + latencyNs(latency.entry, seed, "entry", this.#counts.sent + further), lastNs);
  }

  #execute(untilNs: bigint): void {
    let done = 0;
    for (const { action, arrivesNs } of this.#inbox) {
      if (arrivesNs > untilNs) break;
      this.#ringUntil(arrivesNs);
      this.#timeNs = arrivesNs;
      this.#exchange.act(action, arrivesNs);
      done++;
    }
    if (done > 0) this.#inbox.splice(0, done);
    this.#ringUntil(untilNs);
  }

  /** What happens by itself comes after all events of its time, and before the actions that arrive then. */
  #ringUntil(untilNs: bigint): void {
    for (let at = this.nextTimerNs; at !== undefined && at <= untilNs; at = this.nextTimerNs) {
      this.#timeNs = larger(this.#timeNs, at);
      this.#exchange.ring();
    }
  }

  #hear(said: Said): void {
    const { latency, seed } = this.settings;
    const delayed = this.#timeNs + latencyNs(latency.response, seed, "response", this.#counts.said++);
    this.#lastHeardNs = larger(this.#lastHeardNs, delayed);
    this.#outputs.push({ ...said, atNs: this.#timeNs, heardNs: this.#lastHeardNs, n: this.#n });
  }
}
