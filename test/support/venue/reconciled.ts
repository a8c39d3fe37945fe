import { fillsAnswer } from "@tapedeck/protocol";
import { expect } from "vitest";
import { z } from "zod";
import type { TestCluster } from "../cluster.js";

/** What a client's program reports of its trades. */
export const tradeReport = z.looseObject({
  trades: z.array(
    z.object({
      id: z.string(),
      order: z.string(),
      side: z.string(),
      price: z.string(),
      amount: z.string(),
      fee: z.string(),
    }),
  ),
  /** Ids of the trades that the user stream told. */
  told: z.array(z.string()),
  /** How many orders were open at the end. */
  open: z.int(),
});
export type TradeReport = z.infer<typeof tradeReport>;

/** A decimal without zeros that say nothing. */
const plain = (text: string) =>
  text.replace(/\.?0+$/, (zeros) => (zeros.includes(".") || text.includes(".") ? "" : zeros));

/**
 * What a client says of its trades is what the session has, to the last digit.
 *
 * @param orders how many it placed, of which two in three were market orders
 */
export async function expectReconciled(
  cluster: TestCluster,
  session: string,
  { trades, told, open }: TradeReport,
  orders: number,
): Promise<void> {
  const list = async () => (await cluster.http.ask(fillsAnswer, "GET", `/sessions/${session}/fills?limit=1000`)).fills;
  // An api says what has happened with the frame at the playhead: the next one comes a moment later.
  await cluster.until(async () => (await list()).length >= trades.length, "the api to have all fills");
  const fills = await list();
  const reported = trades.map(({ fee, price, amount, ...rest }) => ({
    ...rest,
    price: plain(price),
    amount: plain(amount),
    fee: plain(fee),
  }));
  expect(reported).toEqual(
    fills.map(({ fill_id, order_id, side, price, amount, fee }) => ({
      ...{ id: fill_id, order: order_id, side, price: plain(price), amount: plain(amount), fee: plain(fee) },
    })),
  );
  expect(told).toEqual(trades.map((trade) => trade.id));
  expect(open).toBe(0);
  expect(fills.length).toBeGreaterThan(orders / 3);
}
