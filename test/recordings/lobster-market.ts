import { writeFile } from "node:fs/promises";
import { join } from "node:path";

interface Order {
  readonly id: number;
  readonly bid: boolean;
  /** In cents. */
  readonly price: number;
  size: number;
}

/** Places of a side at which orders rest: more than the deepest book that LOBSTER sells. */
const places = 90;

/**
 * Writes a pair of LOBSTER's files of a made-up market, whose side has about 80 levels: orders come, are reduced, deleted and filled.
 * Executions are at the best prices, some of them of hidden orders, which change no level.
 *
 * @param levels of each side in the orderbook file
 */
export async function writeLobsterMarket(
  folder: string,
  { rows, levels, seed }: { readonly rows: number; readonly levels: number; readonly seed: number },
): Promise<string[]> {
  const below = randomBelow(seed);
  const orders: Order[] = [];
  const messages: string[] = [];
  const books: string[] = [];
  for (let row = 0; row < rows; row++) {
    const kind = row < 400 ? 1 : 1 + below(5);
    const bid = below(2) === 0;
    const own = orders.filter((order) => order.bid === bid);
    const best = own.toSorted((a, b) => (bid ? b.price - a.price : a.price - b.price))[0];
    const any = own[below(own.length)];
    const order = kind === 4 || kind === 5 ? best : any;
    let said: { kind: number; order: Order; size: number };
    if (kind === 1 || order === undefined) {
      const price = bid ? 30_000 - below(places) : 30_001 + below(places);
      const added = { id: row + 1, bid, price, size: 1 + below(300) };
      orders.push(added);
      said = { kind: 1, order: added, size: added.size };
    } else if (kind === 5) said = { kind, order: { ...order, id: 0 }, size: 1 + below(10) };
    else {
      const size = kind === 3 ? order.size : Math.min(order.size, 1 + below(100));
      order.size -= size;
      if (order.size === 0) orders.splice(orders.indexOf(order), 1);
      said = { kind: kind === 2 && order.size === 0 ? 3 : kind, order, size };
    }
    const time = `${34_200 + Math.floor(row / 10)}.${String(row % 10).padStart(9, "0")}`;
    const { id, price } = said.order;
    messages.push([time, said.kind, id, said.size, price * 100, bid ? 1 : -1].join(","));
    books.push(rowOf(orders, levels));
  }
  const paths = [];
  for (const [kind, lines] of [
    ["message", messages],
    ["orderbook", books],
  ] as const) {
    const path = join(folder, `AAPL_2012-06-21_34200000_57600000_${kind}_${levels}.csv`);
    await writeFile(path, `${lines.join("\n")}\n`);
    paths.push(path);
  }
  return paths;
}

/** A row of an orderbook file: levels that do not exist have LOBSTER's dummy values. */
function rowOf(orders: readonly Order[], levels: number): string {
  const sides = { bid: new Map<number, number>(), ask: new Map<number, number>() };
  for (const { bid, price, size } of orders) {
    const side = sides[bid ? "bid" : "ask"];
    side.set(price, (side.get(price) ?? 0) + size);
  }
  const bids = [...sides.bid].sort(([a], [b]) => b - a);
  const asks = [...sides.ask].sort(([a], [b]) => a - b);
  return Array.from({ length: levels }, (_, level) => {
    const [ask, bid] = [asks[level], bids[level]];
    return [
      ...(ask ? [ask[0] * 100, ask[1]] : [9_999_999_999, 0]),
      ...(bid ? [bid[0] * 100, bid[1]] : [-9_999_999_999, 0]),
    ].join(",");
  }).join(",");
}

/** Whole numbers from 0, the same for the same seed (Park and Miller's generator). */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
}
