import type { Action, MatchingEngine } from "@tapedeck/matching";
import { LRUCache } from "lru-cache";
import type { ActionBody } from "../actions/action-body.js";
import type { Ledger } from "../ledger/ledger.js";

/** An action of a chain. */
export interface ChainAction {
  readonly number: number;
  readonly tag: string;
  /** Nanoseconds since 1970 on the tape's clock. */
  readonly sentNs: bigint;
  readonly body: ActionBody;
}

/** The times of so many last answers are kept. Nobody waits for older ones. */
const keptAnswers = 200;

/** The actions of a chain on their way to an engine: known, then sent, then arrived. */
export class SentActions {
  readonly all: ChainAction[] = [];
  readonly #engine: MatchingEngine;
  readonly #ledger: Ledger;
  #sent: number;
  /** Arrival times of what is on its way, in their order. */
  readonly #arrivals: bigint[] = [];
  /** Of actions that have arrived here, by number: when. */
  readonly #arrived = new LRUCache<number, bigint>({ max: keptAnswers });
  /** When the owner knows all that was said at an arrival, by its time. */
  readonly #answered = new LRUCache<bigint, bigint>({ max: keptAnswers });

  /** @param sent how many of the chain the engine has got already */
  constructor(engine: MatchingEngine, ledger: Ledger, sent: number) {
    this.#engine = engine;
    this.#ledger = ledger;
    this.#sent = sent;
  }

  /** How many actions the engine has got. */
  get sent(): number {
    return this.#sent;
  }

  /** What the engine has not got yet. */
  get unsent(): ChainAction[] {
    return this.all.slice(this.#sent);
  }

  /** When what is on its way arrives. */
  get arrivals(): readonly bigint[] {
    return this.#arrivals;
  }

  /** When the next one arrives that is known; undefined: none is. */
  get nextArrival(): bigint | undefined {
    return this.#arrivals[0] ?? this.#engine.arrivalsOf(this.unsent.slice(0, 1).map(({ sentNs }) => sentNs))[0];
  }

  add(action: ChainAction): void {
    this.all.push(action);
    if (action.body.kind !== "place") return;
    const { order } = action.body;
    this.#ledger.sent(`${action.number}`, engineIdOf(action.number, order.clientOrderId), order, action.sentNs);
  }

  /** Goes on where another replay was. */
  restore(arrivals: readonly bigint[]): void {
    this.#arrivals.push(...arrivals);
  }

  /** Whether one that is sent next arrives when everything before `reachedNs` has happened, or later. */
  arrivesInTime(sentNs: bigint, reachedNs: bigint): boolean {
    const sent = [...this.unsent.map((action) => action.sentNs), sentNs];
    const arrival = this.#engine.arrivalsOf(sent).at(-1) ?? sentNs;
    return arrival >= reachedNs && arrival >= this.#engine.earliestArrivalNs;
  }

  /** Sends what was sent by then. */
  submit(untilNs: bigint): void {
    for (let next = this.all[this.#sent]; next !== undefined && next.sentNs <= untilNs; next = this.all[this.#sent]) {
      this.#sent++;
      const action = this.asAction(next);
      if (action === undefined) continue;
      const arrivesNs = this.#engine.submit(action);
      this.#arrivals.push(arrivesNs);
      this.#arrived.set(next.number, arrivesNs);
    }
  }

  /** Executes what arrives by then, before the next event. @returns whether there was anything */
  arrive(untilNs: bigint): boolean {
    const due = this.#arrivals.findIndex((at) => at > untilNs);
    const count = due < 0 ? this.#arrivals.length : due;
    if (count === 0) return false;
    this.#arrivals.splice(0, count);
    this.#engine.advance(untilNs);
    return true;
  }

  /** Something was said at an arrival. @param toldNs when the owner knows of it */
  said(arrivedNs: bigint, toldNs: bigint): void {
    this.#answered.set(arrivedNs, toldNs);
  }

  /**
   * When the owner knows what became of an action on its arrival; undefined if it has not arrived by `reachedNs`. Of one that arrived before this replay
   * began, it is known by then.
   */
  answeredNs(number: number, reachedNs: bigint): bigint | undefined {
    const at = this.all.findLastIndex((action) => action.number === number);
    if (at < 0 || at >= this.#sent - this.#arrivals.length) return undefined;
    const arrivedNs = this.#arrived.get(number);
    return arrivedNs === undefined ? reachedNs : (this.#answered.get(arrivedNs) ?? arrivedNs + 1n);
  }

  readonly asAction = ({ number, sentNs, body }: ChainAction): Action | undefined => {
    switch (body.kind) {
      case "place": {
        const { clientOrderId, ...order } = body.order;
        return { kind: "place", sentNs, order: { ...order, id: engineIdOf(number, clientOrderId) } };
      }
      case "cancel-all":
        return { kind: "cancel-all", sentNs };
      case "cancel":
        return { kind: "cancel", sentNs, id: this.#engineIdOf(body.order) };
      case "replace": {
        const { order, ...change } = body;
        return { ...change, sentNs, id: this.#engineIdOf(order) };
      }
    }
  };

  #engineIdOf(order: number): string {
    return this.#ledger.orders.get(`${order}`)?.engineId ?? engineIdOf(order, undefined);
  }
}

/** Clients name their orders, and may use a name again once its order has ended; without one an order has its number's. */
function engineIdOf(number: number, clientOrderId: string | undefined): string {
  return clientOrderId === undefined ? `o:${number}` : `c:${clientOrderId}`;
}
