import type { DepthUpdate } from "../player/market-events.js";
import type { LevelText } from "../player/venue-book.js";
import { written, writtenLevels } from "../player/written-decimals.js";
import { intervalEnd, type MakeStream, msInNs, type StreamContext } from "./market-stream.js";

/** `@depth`: each update of the book, as the venue of the tape said it. None is left out or joined with another. */
export const eachUpdate: MakeStream = (context) => ({
  dueNs: Number.POSITIVE_INFINITY,
  flush() {},
  depth(update) {
    context.send(JSON.stringify(depthUpdate(context, update)));
  },
});

/** `@depth@100ms`: what changed in each interval of tape time, as one update. An interval without changes has none, and one in which the market is paused has two. */
export function joinedUpdates(intervalMs: number): MakeStream {
  return (context) => {
    let joined: JoinedUpdates | undefined;
    let dueNs = Number.POSITIVE_INFINITY;
    return {
      get dueNs() {
        return dueNs;
      },
      flush() {
        if (joined !== undefined) context.send(JSON.stringify(depthUpdate(context, joined.update)));
        joined = undefined;
        dueNs = Number.POSITIVE_INFINITY;
      },
      pause() {
        this.flush();
      },
      end() {
        this.flush();
      },
      depth(update) {
        joined ??= new JoinedUpdates(update.previousId);
        joined.add(update);
        if (dueNs === Number.POSITIVE_INFINITY) dueNs = intervalEnd(context.epoch.toldNs, intervalMs * msInNs);
      },
    };
  };
}

/** `@depth5`: the best levels, at the end of each interval of tape time in which the book changed. */
export function bestLevels(levels: number, intervalMs: number): MakeStream {
  return (context) => {
    const { epoch, market } = context;
    let last: DepthUpdate | undefined;
    let dueNs = Number.POSITIVE_INFINITY;
    let previousId = epoch.lastUpdateId;
    return {
      get dueNs() {
        return dueNs;
      },
      flush() {
        dueNs = Number.POSITIVE_INFINITY;
        if (last === undefined) return;
        const { bids, asks } = epoch.book.top(levels);
        const message =
          market === "spot"
            ? { lastUpdateId: last.id, ...writtenLevels(market, { bids, asks }) }
            : depthUpdate(context, { ...last, previousId, bids, asks });
        context.send(JSON.stringify(message));
        previousId = last.id;
        last = undefined;
      },
      pause() {
        this.flush();
      },
      end() {
        this.flush();
      },
      depth(update) {
        last = update;
        if (dueNs === Number.POSITIVE_INFINITY) dueNs = intervalEnd(epoch.toldNs, intervalMs * msInNs);
      },
    };
  };
}

/** `@bookTicker`: the best prices and their quantities, whenever one of them changes. */
export const bestPrices: MakeStream = ({ epoch, market, send }) => {
  let told = "";
  return {
    dueNs: Number.POSITIVE_INFINITY,
    flush() {},
    depth({ id, eventTime, time }) {
      const { bids, asks } = epoch.book.top(1);
      const [[bid = "0", bidQuantity = "0"] = []] = bids;
      const [[ask = "0", askQuantity = "0"] = []] = asks;
      const best = `${bid} ${bidQuantity} ${ask} ${askQuantity}`;
      if (best === told) return;
      told = best;
      const text = written[market];
      const prices = { s: epoch.symbol.symbol, b: text(bid), B: text(bidQuantity), a: text(ask), A: text(askQuantity) };
      send(
        JSON.stringify(
          market === "spot" ? { u: id, ...prices } : { e: "bookTicker", u: id, ...prices, T: time, E: eventTime },
        ),
      );
    },
  };
};

function depthUpdate({ epoch, market }: StreamContext, update: DepthUpdate) {
  const { eventTime: E, time: T, previousId, id: u } = update;
  const { bids: b, asks: a } = writtenLevels(market, update);
  const ids = { s: epoch.symbol.symbol, U: previousId + 1, u };
  if (market === "spot") return { e: "depthUpdate", E, ...ids, b, a };
  return { e: "depthUpdate", E, T, ...ids, pu: previousId, b, a };
}

/** Several updates as one: each price has its last quantity. */
class JoinedUpdates {
  readonly #previousId: number;
  readonly #bids = new Map<string, string>();
  readonly #asks = new Map<string, string>();
  #last: DepthUpdate | undefined;

  constructor(previousId: number) {
    this.#previousId = previousId;
  }

  add(update: DepthUpdate): void {
    this.#last = update;
    for (const [price, quantity] of update.bids) this.#bids.set(price, quantity);
    for (const [price, quantity] of update.asks) this.#asks.set(price, quantity);
  }

  get update(): DepthUpdate {
    const { id = this.#previousId, eventTime = 0, time = 0 } = this.#last ?? {};
    const levels = (side: ReadonlyMap<string, string>): LevelText[] => [...side];
    return { previousId: this.#previousId, id, eventTime, time, bids: levels(this.#bids), asks: levels(this.#asks) };
  }
}
