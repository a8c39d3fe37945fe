import { viewRefusal } from "@tapedeck/access";
import {
  csvOf,
  isoOfMs,
  RefusedError,
  type ReportSummary,
  reportsAnswer,
  reportsQuery,
  sessionParams,
  type TradeReport,
  tradeReportAnswer,
} from "@tapedeck/protocol";
import { type StoredOrder, type StoredSession, summarizeOrders, viewOf } from "@tapedeck/sessions";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, RawResponse, type Route, route } from "../http/route.js";
import { findSession, sessionNotFound, sessionViewOf } from "../sessions/session-access.js";

const tag = "Reports";
/** Sessions that one request searches for those with orders. */
const sessionsLookedAt = 200;

export const reportRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/reports",
    tag,
    summary: "Sessions with orders in simulated markets that the caller may view, newest first, page by page",
    query: reportsQuery,
    answer: reportsAnswer,
    async handle({ query: { session_id: id, cursor }, caller }, api) {
      if (id !== undefined) return { reports: reportsOf(await only(api, id, caller)), next_cursor: null };
      const page = await api.store.list({ limit: sessionsLookedAt, cursor });
      const seen = page.sessions.filter(({ record }) => viewRefusal(caller.principal, record) === undefined);
      return { reports: reportsOf(seen), next_cursor: page.nextCursor };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/reports/{id}",
    tag,
    summary: "Orders of a session in simulated markets, their fills and totals",
    params: sessionParams,
    answer: tradeReportAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      const found = await existing(api, id, caller);
      const [account, orders] = await Promise.all([valued(api, found), api.store.orders(id)]);
      const { orders: _, ...summary } = summaryOf(found);
      return { report: { ...summary, account, ...summarizeOrders(orders) } };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/reports/{id}/orders.csv",
    tag,
    summary: "The same orders as CSV, one per line",
    params: sessionParams,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      await existing(api, id, caller);
      return new RawResponse("text/csv", ordersCsv(await api.store.orders(id)), {
        "content-disposition": `attachment; filename="tapedeck-orders-${id.replace(/[^\w.-]/g, "_")}.csv"`,
      });
    },
  }),
];

/** Empty for an absent or another user's session. */
async function only(api: Api, id: string, { principal }: Caller): Promise<StoredSession[]> {
  const found = await api.store.read(id);
  return found === undefined || viewRefusal(principal, found.record) !== undefined ? [] : [found];
}

async function existing(api: Api, id: string, caller: Caller): Promise<StoredSession> {
  const found = await findSession(api, id, caller);
  if (found === undefined) throw sessionNotFound(id);
  return found;
}

function reportsOf(sessions: readonly StoredSession[]): ReportSummary[] {
  return sessions.filter(({ record }) => record.orders > 0).map(summaryOf);
}

/** The open position is valued only in the full report, since that needs a frame of the market. */
function summaryOf({ record, now, connections }: StoredSession): ReportSummary {
  const { id, userId, createdAt, lastActivity, orders, lastFill } = record;
  const { account = null } = viewOf(record, { position: undefined, tape: undefined, now, connections });
  return {
    name: `Orders of session ${id}`,
    session_id: id,
    user_id: userId || null,
    created_at: isoOfMs(createdAt),
    last_activity: isoOfMs(lastActivity),
    orders,
    last_fill: lastFill,
    account,
    url: `/reports/${encodeURIComponent(id)}`,
    csv_url: `/reports/${encodeURIComponent(id)}/orders.csv`,
  };
}

/** The account at the market's current price, or without a valuation if the market can no longer be generated. */
async function valued(api: Api, found: StoredSession): Promise<ReportSummary["account"]> {
  try {
    return (await sessionViewOf(api, found)).account ?? null;
  } catch (error) {
    if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") return summaryOf(found).account;
    throw error;
  }
}

type Listed = TradeReport["orders"][number];

const columns: readonly (readonly [name: string, of: (order: Listed) => unknown])[] = [
  ["order_id", ({ id }) => id],
  ["placed_at", ({ placed_at }) => placed_at],
  ["symbol", ({ symbol }) => symbol],
  ["seed", ({ seed }) => seed],
  ["scenario", ({ scenario }) => scenario],
  ["seq", ({ seq }) => seq],
  ["side", ({ side }) => side],
  ["quantity", ({ quantity }) => quantity],
  ["filled", ({ filled }) => filled],
  ["timestamp", ({ fill }) => fill?.timestamp],
  ["price", ({ fill }) => fill?.price],
  ["type", ({ fill }) => fill?.type],
  ["pnl", ({ fill }) => fill?.pnl],
  ["pnl_so_far", ({ pnl_so_far }) => pnl_so_far],
  ["position", ({ fill }) => fill?.account?.position],
  ["average_price", ({ fill }) => fill?.account?.average_price],
  ["unrealized_pnl", ({ fill }) => fill?.account?.unrealized_pnl],
];

function ordersCsv(orders: readonly StoredOrder[]): string {
  const lines = summarizeOrders(orders).orders.map((order) => columns.map(([, of]) => of(order)));
  return csvOf([columns.map(([name]) => name), ...lines]);
}
