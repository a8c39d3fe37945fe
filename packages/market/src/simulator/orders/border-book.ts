import type { BookSideName } from "../../book/order-book.js";
import type { Instrument } from "../instrument.js";
import { RandomStream } from "../random/random-stream.js";
import { orderLots } from "./order-arrivals.js";
import type { BorderOrder } from "./resting-orders.js";

/** The initial state of a segment: about two hundred orders. */
export interface BorderBook {
  /** Tick of the best bid; the best ask is one above. */
  readonly reference: number;
  readonly orders: readonly BorderOrder[];
}

/**
 * The book at a border between segments. Orders arrive independently and live for exponential times, so at any time the number alive
 * at a distance from the best price is Poisson with mean rate times life, and their remaining lives are exponential (an M/G/infinity
 * queue): the book can be drawn without its history. At the best price trades remove some of them early.
 */
export function borderBook(seed: string, number: number, fairTicks: number, { flow }: Instrument): BorderBook {
  const random = new RandomStream(seed, "border", number);
  const reference = drawReference(random, fairTicks, flow);
  const orders: BorderOrder[] = [];
  const draw = (side: BookSideName, distance: number, meanLifeMs: number) => {
    const lifeMs = Math.ceil(random.exponential(meanLifeMs));
    orders.push({ side, distance, lots: orderLots(random, flow), lifeMs });
  };
  for (const side of ["bid", "ask"] as const) {
    const atBest = Math.max(1, random.poisson((flow.bestRate * flow.bestLifeMs * flow.bestLeft) / 1_000));
    for (let n = 0; n < atBest; n++) draw(side, 0, flow.bestLifeMs);
    const behind = random.poisson((flow.deepRate * flow.deepLifeMs) / 1_000);
    for (let n = 0; n < behind; n++) draw(side, 1 + random.integerBelow(flow.depth), flow.deepLifeMs);
  }
  return { reference, orders };
}

/** The reference of a border book, in a hundredth of the time. */
export function borderReference(seed: string, number: number, fairTicks: number, { flow }: Instrument): number {
  return drawReference(new RandomStream(seed, "border", number), fairTicks, flow);
}

/** Best prices stay while the fair price moves around them. */
function drawReference(random: RandomStream, fairTicks: number, { stickiness }: Instrument["flow"]): number {
  return Math.floor(fairTicks + stickiness * (2 * random.uniform() - 1));
}
