import type { TapeEvent, TapeLevel, TapeOrder, TapeOrders } from "@tapedeck/matching";
import {
  bookSides,
  effectiveStates,
  eventStates,
  type Seq,
  type TrackDecimals,
  type TrackedEvent,
  type TrackRange,
  type TrackReader,
} from "@tapedeck/tape";

/** An event of a tape as the engine takes it, with the venue's time, and the first frame that shows it. */
export interface VenueEvent {
  readonly seq: Seq;
  readonly event: TapeEvent;
}

interface EventChoice {
  /** With what happens to single orders, where the tape has that. */
  readonly orders: boolean;
  /** Of the integers in the events; absent: those of the track. Further decimals are rounded. */
  readonly decimals?: TrackDecimals;
}

const effective = new Set<string>(eventStates.slice(0, effectiveStates));
const actions = ["add", "modify", "cancel", "execute", "hidden", "trade", "clear"] as const;

/**
 * The events of a range that changed the book or are trades of its market, in the order of their numbers, with the venue's times. Orders come before the
 * update whose levels they make. Rejects as reading the track does.
 */
export async function engineEvents(
  track: TrackReader,
  range: TrackRange,
  { orders, decimals = track.decimals }: EventChoice,
): Promise<VenueEvent[]> {
  const scale = scaleOf(track.decimals, decimals);
  const shown: VenueEvent[] = [];
  for await (const events of track.eventLists(range)) {
    for (const event of events) if (effective.has(event.state)) shown.push(shownEvent(event, scale));
  }
  if (!orders || track.orders === undefined) return shown;
  const ofOrders: VenueEvent[] = [];
  for await (const batch of track.orders.batches(range)) {
    for (let row = 0; row < batch.rows; row++) {
      const order = orderAt(batch, row, scale);
      if (order !== undefined) ofOrders.push({ seq: batch.seq[row] ?? 0, event: order });
    }
  }
  // A stable sort keeps orders in front of the update of the same number.
  return [...ofOrders, ...shown].sort((a, b) => a.event.n - b.event.n);
}

function shownEvent(event: TrackedEvent, scale: Scale): VenueEvent {
  const { n, seq, timestampNs } = event;
  if (event.kind === "trade") {
    const { side, priceUnits, amountUnits, own } = event;
    const trade = { priceUnits: scale.price(priceUnits), amountUnits: scale.size(amountUnits) };
    return { seq, event: { kind: "trade", n, timestampNs, side, ...trade, ...(own && { own }) } };
  }
  const { isSnapshot, levels } = event;
  return { seq, event: { kind: "book", n, timestampNs, isSnapshot, levels: scale.levels(levels) } };
}

type OrderRows = Awaited<ReturnType<ReturnType<NonNullable<TrackReader["orders"]>["batches"]>["next"]>>["value"] &
  object;

function orderAt(rows: OrderRows, row: number, scale: Scale): TapeOrders | undefined {
  if ((rows.state[row] ?? effectiveStates) >= effectiveStates) return undefined;
  const action = actions.find((known) => known === rows.action[row]);
  if (action === undefined) return undefined;
  const known = (value = Number.NaN) => (Number.isNaN(value) ? undefined : value);
  const price = known(rows.price[row]);
  const rest = known(rows.rest[row]);
  const order: TapeOrder = {
    action,
    id: `${rows.orderId[row]}`,
    side: bookSides[rows.side[row] ?? bookSides.length],
    priceUnits: price === undefined ? undefined : scale.price(price),
    amountUnits: scale.size(rows.amount[row] ?? 0),
    restUnits: rest === undefined ? undefined : scale.size(rest),
    ...(rows.own?.[row] === 1 && { own: true }),
  };
  return { kind: "orders", n: rows.n[row] ?? -1, timestampNs: rows.timestamp[row] ?? 0n, orders: [order] };
}

interface Scale {
  price(units: number): number;
  size(units: number): number;
  levels(levels: readonly TapeLevel[]): readonly TapeLevel[];
}

/** From the integers of one number of decimals to those of another. A growing tape can get more decimals than it had. */
function scaleOf(from: TrackDecimals, to: TrackDecimals): Scale {
  const scaled = (by: number) => {
    if (by === 0) return (units: number) => units;
    const factor = Number(`1e${Math.abs(by)}`);
    return by > 0 ? (units: number) => units * factor : (units: number) => Math.round(units / factor);
  };
  const [price, size] = [scaled(to.price - from.price), scaled(to.size - from.size)];
  if (to.price === from.price && to.size === from.size) return { price, size, levels: (levels) => levels };
  return {
    ...{ price, size },
    levels: (levels) =>
      levels.map(({ side, priceUnits, amountUnits }) => ({
        side,
        priceUnits: price(priceUnits),
        amountUnits: size(amountUnits),
      })),
  };
}
