import { OrdersNotFound } from "../errors.js";
import { type OrderBatch, orderSides } from "../track/batches.js";
import { orderColumnsOf } from "../track/orders/order-rows.js";
import type { GroupValues } from "../track/parquet-file.js";
import { eventStates } from "../track/track.js";
import { trackOf } from "../track/track-of.js";
import type { RowSource, RowTape } from "./row-source.js";
import { placesOf, type TrackRowRange } from "./track-rows.js";
import { doneOf, marketOf, optionalWholesOf, textsOf, wholesOf } from "./track-values.js";

/** What the source says of each order, in the columns of `orders.parquet`. Throws `TrackNotFound` or `OrdersNotFound`. */
export function orderRows(tape: RowTape, range: TrackRowRange): RowSource {
  const { orders, decimals } = trackOf(tape);
  if (orders === undefined) throw new OrdersNotFound(tape.id);
  return {
    columns: orderColumnsOf(decimals),
    timeDecimals: tape.decimals,
    async *batches() {
      for await (const batch of orders.batches(placesOf(range))) {
        yield { rows: batch.rows, done: doneOf(batch, range), values: valuesOf(tape, batch) };
      }
    },
  };
}

function valuesOf(tape: RowTape, batch: OrderBatch): GroupValues {
  return {
    ...marketOf(tape, batch.rows),
    timestamp: batch.timestamp,
    local_timestamp: batch.localTimestamp,
    order_id: batch.orderId,
    action: [...batch.action],
    side: Array.from(batch.side, (place) => orderSides[place] ?? undefined),
    price: optionalWholesOf(batch.price),
    amount: wholesOf(batch.amount),
    rest: optionalWholesOf(batch.rest),
    n: wholesOf(batch.n),
    seq: wholesOf(batch.seq),
    heard: wholesOf(batch.heard),
    state: textsOf(batch.state, eventStates),
    sequence: optionalWholesOf(batch.sequence),
  };
}
