import { type Action, MatchingEngine, type Output } from "@tapedeck/matching";
import { ordersOf } from "../actions/order-list.js";
import type { ShownEvent } from "../events/event-windows.js";
import type { OrderEntry } from "../ledger/order-entry.js";
import type { ChainAction } from "./sent-actions.js";

/** Levels of each side that are looked at to see what becomes of an action. */
const levelsAhead = 100;

/** What the engine says until an action has arrived. */
export interface Outcome {
  /** When it arrives. */
  readonly atNs: bigint;
  readonly before: readonly Output[];
  readonly onArrival: readonly Output[];
}

/** A copy of a replay's engine, and what lies ahead of it. */
export interface Ahead {
  readonly engine: MatchingEngine;
  /** What the engine has not got yet. */
  readonly unsent: readonly ChainAction[];
  readonly asAction: (action: ChainAction) => Action | undefined;
  /** What follows on the tape until a time, and perhaps some more. */
  readonly events: (untilNs: bigint) => AsyncIterable<readonly ShownEvent[]>;
}

/** What becomes of the last of the actions, which have a place that the tape reaches. Rejects as reading the tape does. */
export async function foreseen({ engine, unsent, asAction, events }: Ahead): Promise<Outcome> {
  let atNs = unsent.at(-1)?.sentNs ?? 0n;
  for (const each of unsent) {
    const action = asAction(each);
    if (action !== undefined) atNs = engine.submit(action);
  }
  const before: Output[] = [];
  reading: for await (const batch of events(atNs)) {
    for (const { event } of batch) {
      if (event.timestampNs > atNs) break reading;
      engine.event(event);
      before.push(...engine.take());
    }
  }
  return arrived(engine, atNs, before);
}

/**
 * What becomes of an action by `untilNs`; undefined if it does not arrive by then, or if it is not known yet. Rejects as reading the tape does.
 *
 * @param isWhole whether no other event than these comes by then
 */
export async function outcomeBy(
  { engine, unsent, asAction, events }: Ahead,
  number: number,
  untilNs: bigint,
  isWhole: boolean,
): Promise<Outcome | undefined> {
  const waiting = [...unsent].reverse();
  let arrival: bigint | undefined;
  const submit = (clockNs: bigint) => {
    for (let next = waiting.at(-1); next !== undefined && next.sentNs <= clockNs; next = waiting.at(-1)) {
      waiting.pop();
      const action = asAction(next);
      const arrives = action && engine.submit(action);
      if (next.number === number) arrival = arrives;
    }
  };
  const before: Output[] = [];
  for await (const batch of events(untilNs)) {
    for (const { event } of batch) {
      submit(event.timestampNs);
      if (arrival !== undefined && arrival > untilNs) return undefined;
      if (arrival !== undefined && arrival < event.timestampNs) return arrived(engine, arrival, before);
      if (event.timestampNs > untilNs) return undefined;
      engine.event(event);
      before.push(...engine.take());
    }
  }
  if (!isWhole) return undefined;
  submit(untilNs);
  return arrival === undefined || arrival > untilNs ? undefined : arrived(engine, arrival, before);
}

function arrived(engine: MatchingEngine, atNs: bigint, before: Output[]): Outcome {
  engine.advance(atNs - 1n);
  before.push(...engine.take());
  engine.advance(atNs);
  return { atNs, before, onArrival: engine.take() };
}

/** The engine with as much of the book as open orders can take, many times over: a whole one has thousands of levels. */
export function copyOf(engine: MatchingEngine, open: Iterable<OrderEntry>, more: number): MatchingEngine {
  let wanted = more;
  const { account } = engine;
  const position = account.kind === "futures" ? Math.abs(account.position) : 0;
  for (const { open: rest, order } of open) {
    if (order.quoteAmount !== undefined && rest === 0) wanted = Number.POSITIVE_INFINITY; // not known before it arrives
    wanted += order.closePosition === true ? position : rest;
  }
  const few = engine.tapeState(levelsAhead);
  const isEnough = [few.bids, few.asks].every((side) => sumOf(side) > 4 * wanted);
  const book = isEnough ? few : engine.tapeState();
  return MatchingEngine.restore(engine.settings, engine.state(), book);
}

/** How much of the book an action can take. */
export function wantedBy(action: Pick<ChainAction, "number" | "body">): number {
  if (action.body.kind === "replace") return action.body.amount;
  let wanted = 0;
  for (const { order } of ordersOf(action))
    wanted += order.quoteAmount === undefined ? order.amount : Number.POSITIVE_INFINITY;
  return wanted;
}

function sumOf(levels: Iterable<readonly [price: number, amount: number]>): number {
  let sum = 0;
  for (const [, amount] of levels) sum += amount;
  return sum;
}
