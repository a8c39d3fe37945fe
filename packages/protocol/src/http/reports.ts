import { z } from "zod";
import { isoTime } from "../formats/time.js";
import { markedAccount, tradeEvent } from "../session/session-view.js";

/** A session's orders in simulated markets, summarised. Clients of the first version read `name`. */
const reportSummary = z.object({
  name: z.string(),
  session_id: z.string(),
  user_id: z.string().nullable(),
  created_at: isoTime,
  last_activity: isoTime,
  orders: z.int(),
  last_fill: tradeEvent.nullable(),
  account: markedAccount.nullable().describe("of the current simulated market; null in other modes"),
  url: z.string().describe("the whole report"),
  csv_url: z.string().describe("its orders, one per line"),
});
export type ReportSummary = z.infer<typeof reportSummary>;

export const reportsAnswer = z.object({ reports: z.array(reportSummary), next_cursor: z.string().nullable() });

/** An order and its outcome. null marks what was not stored when the order was placed by an older release. */
const reportedOrder = z.object({
  id: z.string(),
  placed_at: isoTime.nullable().describe("by the cluster's clock"),
  symbol: z.string().nullable(),
  seed: z.string().nullable(),
  scenario: z.string().nullable(),
  seq: z.int().describe("the frame that shows its trades"),
  side: z.enum(["BUY", "SELL"]),
  quantity: z.number(),
  filled: z.number(),
  fill: tradeEvent.nullable(),
  pnl_so_far: z.number().describe("realised by this order and all earlier ones"),
});
export type ReportedOrder = z.infer<typeof reportedOrder>;

const reportTotals = z.object({
  orders: z.int(),
  fills: z.int(),
  buys: z.int(),
  sells: z.int(),
  bought: z.number(),
  sold: z.number(),
  unfilled: z.number().describe("units ordered beyond the liquidity of the book"),
  exits: z.int(),
  winning_exits: z.int(),
  losing_exits: z.int(),
  realized_pnl: z.number().describe("over all markets of the session"),
  best_exit: z.number().nullable(),
  worst_exit: z.number().nullable(),
});

/** All orders, oldest first, and their totals. */
const tradeReport = reportSummary.omit({ orders: true }).extend({
  totals: reportTotals,
  orders: z.array(reportedOrder),
});
export type TradeReport = z.infer<typeof tradeReport>;
export const tradeReportAnswer = z.object({ report: tradeReport });

export const reportsQuery = z.object({
  session_id: z.string().optional().describe("only this session"),
  cursor: z.string().max(300).optional().describe("`next_cursor` of the page before"),
});
