import { fillsAnswer, type SessionFill } from "@tapedeck/protocol";
import { expect } from "vitest";
import { z } from "zod";
import type { TestCluster } from "../cluster.js";

const trade = z.object({
  id: z.string(),
  order: z.string(),
  side: z.string(),
  price: z.string(),
  amount: z.string(),
  fee: z.string(),
});
export type ReportedTrade = z.infer<typeof trade>;

/** What a client's program reports of its trades. */
export const tradeReport = z.looseObject({
  trades: z.array(trade),
  /** As the user stream told them. */
  told: z.array(trade),
  /** How many orders were open at the end. */
  open: z.int(),
});
export type TradeReport = z.infer<typeof tradeReport>;

/** A decimal without zeros that say nothing. */
const plain = (text: string) =>
  text.replace(/\.?0+$/, (zeros) => (zeros.includes(".") || text.includes(".") ? "" : zeros));

/** A trade in the form in which trades are compared, to the last digit. */
export function comparable({ id, order, side, price, amount, fee }: ReportedTrade): ReportedTrade {
  return { id, order, side, price: plain(price), amount: plain(amount), fee: plain(fee) };
}

/** A fill of the session in that form. */
export function comparableFill({ fill_id, order_id, side, price, amount, fee }: SessionFill): ReportedTrade {
  return comparable({ id: fill_id, order: order_id, side, price, amount, fee });
}

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
  expect(trades.map(comparable)).toEqual(fills.map(comparableFill));
  expect(told.map(comparable)).toEqual(fills.map(comparableFill));
  expect(open).toBe(0);
  expect(fills.length).toBeGreaterThan(orders / 3);
}
