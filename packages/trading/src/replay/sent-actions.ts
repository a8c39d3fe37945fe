import type { Action, MatchingEngine, NewOrder } from "@tapedeck/matching";
import { LRUCache } from "lru-cache";
import type { ActionBody } from "../actions/action-body.js";
import { type NumberedOrder, ordersOf } from "../actions/order-list.js";
import type { Ledger } from "../ledger/ledger.js";

/** An action of a chain. */
export interface ChainAction {
  readonly number: number;
  readonly tag: string;
  /** Nanoseconds since 1970 on the tape's clock. */
  readonly sentNs: bigint;
  readonly body: ActionBody;
}

/** How many answers' times are kept, the newest: nobody waits for older ones. */
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
    return this.#arrivals[0] ?? this.#engine.arrivalsOf(timesOf(this.unsent.slice(0, 1)))[0];
  }

  /** When orders end by their own time, if nothing else happens before; undefined: none does. */
  get nextTimerNs(): bigint | undefined {
    return this.#engine.nextTimerNs;
  }

  add(action: ChainAction): void {
    this.all.push(action);
    for (const order of ordersOf(action)) this.#ledger.sent(`${order.number}`, engineIdOf(order), order, action.sentNs);
  }

  /** Goes on where another replay was. */
  restore(arrivals: readonly bigint[]): void {
    this.#arrivals.push(...arrivals);
  }

  /** Whether one that is sent next arrives when everything before `reachedNs` has happened, or later. */
  arrivesInTime(sentNs: bigint, reachedNs: bigint): boolean {
    const sent = [...timesOf(this.unsent), sentNs];
    const arrival = this.#engine.arrivalsOf(sent).at(-1) ?? sentNs;
    return arrival >= reachedNs && arrival >= this.#engine.earliestArrivalNs;
  }

  /** Sends what was sent by then. */
  submit(untilNs: bigint): void {
    for (let next = this.all[this.#sent]; next !== undefined && next.sentNs <= untilNs; next = this.all[this.#sent]) {
      this.#sent++;
      const action = this.asAction(next);
      // The other orders of a list arrive with it.
      const arrivesNs = action === undefined ? this.#arrivals.at(-1) : this.#engine.submit(action);
      if (arrivesNs === undefined) continue;
      this.#arrivals.push(arrivesNs);
      this.#arrived.set(next.number, arrivesNs);
    }
  }

  /** Executes what arrives by then, before the next event, and ends what ends by then. @returns whether there was anything */
  arrive(untilNs: bigint): boolean {
    const due = this.#arrivals.findIndex((at) => at > untilNs);
    const count = due < 0 ? this.#arrivals.length : due;
    const { nextTimerNs } = this;
    if (count === 0 && (nextTimerNs === undefined || nextTimerNs > untilNs)) return false;
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
      case "place":
        return { kind: "place", sentNs, order: newOrder({ number, order: body.order }) };
      case "place-list": {
        const orders = ordersOf({ number, body }).map(newOrder);
        const isFollowed = body.list.first !== undefined;
        const list = { first: isFollowed ? orders[0] : undefined, others: isFollowed ? orders.slice(1) : orders };
        return { kind: "place-list", sentNs, list };
      }
      case "listed":
        return undefined;
      case "countdown":
        return { kind: "countdown", sentNs, endsNs: body.ns === 0n ? undefined : sentNs + body.ns };
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
    return this.#ledger.orders.get(`${order}`)?.engineId ?? ownIdOf(order);
  }
}

/** Times at which actions are sent that arrive by themselves. */
function timesOf(actions: readonly ChainAction[]): bigint[] {
  return actions.filter(({ body }) => body.kind !== "listed").map(({ sentNs }) => sentNs);
}

function newOrder(placed: Pick<NumberedOrder, "number" | "order">): NewOrder {
  const { clientOrderId: _, ...order } = placed.order;
  return { ...order, id: engineIdOf(placed) };
}

/** Clients name their orders, and may use a name again once its order has ended; without one an order has its number's. */
function engineIdOf({ number, order: { clientOrderId } }: Pick<NumberedOrder, "number" | "order">): string {
  return clientOrderId === undefined ? ownIdOf(number) : `c:${clientOrderId}`;
}

function ownIdOf(number: number): string {
  return `o:${number}`;
}
