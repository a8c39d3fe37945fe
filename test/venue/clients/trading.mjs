// What each client does with its task: it places orders, and says what it knows of its trades.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { task, until } from "./task.mjs";

/**
 * @typedef {{ id: string, order: string, side: "buy" | "sell", price: string, amount: string, fee: string }} Trade
 *
 * @typedef {object} Client a market in the words of a client
 * @property {() => Promise<{ bid: string, ask: string }>} prices
 * @property {(side: "BUY" | "SELL") => Promise<string>} market places a market order, and answers its status
 * @property {(side: "BUY" | "SELL", price: string) => Promise<string>} rest places a limit order, cancels it, and answers its status
 * @property {(above: string, below: string) => Promise<string>} [list] places an OCO that sells at a price above the market or below it, cancels it,
 *   and answers its status
 * @property {() => Promise<Trade[]>} trades the last 1,000, oldest first
 * @property {() => Promise<number>} open how many orders are
 * @property {() => { bids: (string | number)[][], asks: (string | number)[][] }} book the best 20 levels of its local book
 * @property {() => Promise<void>} [check] rejects if something of its own is not as it should be after the orders
 */

/** Trades that a user stream told. The ids of trades are given again after a rewind, those of orders are not. */
export class Told {
  /** @type {Map<string, Trade>} */
  trades = new Map();
  reconnects = 0;

  /** @param event an `executionReport`, or the `o` of an `ORDER_TRADE_UPDATE` */
  hear({ x, t, i, S, L, l, n }) {
    if (x !== "TRADE") return;
    const trade = { id: `${t}`, order: `${i}`, side: S === "BUY" ? "buy" : "sell" };
    this.trades.set(keyOf(trade), { ...trade, price: `${L}`, amount: `${l}`, fee: `${n}` });
  }
}

const keyOf = ({ id, order }) => `${order}/${id}`;

/** A trade of Binance's REST API, of spot or of futures. */
export function tradeForm({ id, orderId, price, qty, commission, isBuyer, buyer }) {
  const side = (isBuyer ?? buyer) ? "buy" : "sell";
  return { id: `${id}`, order: `${orderId}`, side, price: `${price}`, amount: `${qty}`, fee: `${commission}` };
}

/**
 * Places two market orders, then a limit order far from the market that it cancels, and so on, sides in turn.
 *
 * @param {Client} client
 * @param {Told} told
 */
export async function carryOut(client, told) {
  if (task().seconds !== undefined) return soak(client, told);
  const place = placing(client);
  for (let count = 0; count < task().orders; count++) await place(count);
  if (client.list !== undefined) {
    const { bid, ask } = await client.prices();
    const [above, below] = [Number(ask) * 1.1, Number(bid) * 0.9].map((price) => price.toFixed(1));
    expect("ALL_DONE", await client.list(above, below));
  }
  const trades = await client.trades();
  await until(() => told.trades.size >= trades.length, "trades of the user stream");
  await client.check?.();
  await tell({ trades, told: sorted(told), open: await client.open() });
  process.exit(0);
}

const sorted = (told) => [...told.trades.values()].sort((a, b) => a.id - b.id);

/** The order of a number; rejects if something else became of it than should. */
function placing({ prices, market, rest }) {
  const decimals = task().priceDecimals ?? 1;
  return async (number) => {
    const side = number % 2 === 0 ? "BUY" : "SELL";
    if (number % 3 !== 2) return expect("FILLED", await market(side));
    const { bid, ask } = await prices();
    const price = (side === "BUY" ? Number(bid) * 0.9 : Number(ask) * 1.1).toFixed(decimals);
    return expect("CANCELED", await rest(side, price));
  };
}

function expect(wanted, status) {
  if (status !== wanted) throw new Error(`an order is ${status} instead of ${wanted}`);
}

/** How often trades are asked for, in ms: a rewind of the session's owner takes away those that are later than its place. */
const learnEveryMs = 3_000;

/** Spreads the orders over the task's time. What goes wrong meanwhile is noted: the market may begin anew at any moment. */
async function soak(client, told) {
  const { orders, seconds } = task();
  const place = placing(client);
  const known = new Map();
  const problems = [];
  const note = (error) => problems.push({ at: Date.now(), what: `${error?.message ?? JSON.stringify(error)}` });
  const learn = async () => {
    for (const trade of await client.trades()) known.set(keyOf(trade), trade);
  };
  const begun = Date.now();
  let learned = begun;
  let placed = 0;
  for (let number = 0; placed < orders && number < orders * 1.2; number++) {
    await sleep(Math.max(0, begun + (number * seconds * 1000) / orders - Date.now()));
    await place(number).then(() => placed++, note);
    if (Date.now() < learned + learnEveryMs) continue;
    await learn().catch(note);
    learned = Date.now();
  }
  await sleep(Math.max(0, begun + seconds * 1000 - Date.now()));
  await tell({ done: true });
  for await (const _ of createInterface({ input: process.stdin })) {
    await learn().catch(note);
    const open = await client.open();
    const { reconnects } = told;
    const book = client.book();
    await tell({ trades: [...known.values()], told: sorted(told), open, placed, problems, reconnects, book });
  }
  process.exit(0);
}

/** A line for the process that started the program. Resolves when all of it is written. */
function tell(what) {
  return new Promise((resolve) => process.stdout.write(`\n${JSON.stringify(what)}\n`, resolve));
}
