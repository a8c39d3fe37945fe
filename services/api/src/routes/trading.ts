import { controlRefusal } from "@tapedeck/access";
import {
  accountAnswer,
  branchesAnswer,
  branchParams,
  canceledAnswer,
  fillsAnswer,
  fillsQuery,
  isoOfMs,
  onceQuery,
  orderAnswer,
  orderBody,
  orderListAnswer,
  orderListBody,
  orderParams,
  ordersAnswer,
  ordersQuery,
  RefusedError,
  refuse,
  replaceBody,
  type SessionOrder,
  sessionParams,
  tradingAnswer,
  tradingSettings,
  tradingSettingsChange,
} from "@tapedeck/protocol";
import { positionAt, type SessionRecord, type StoredSession } from "@tapedeck/sessions";
import type { OrderRequest, Standing } from "@tapedeck/trading";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import { findSession, openTape, sessionNotFound, throwIfRefused } from "../sessions/session-access.js";

const tag = "Trading";
const tapeRefusals = ["SESSION_NOT_FOUND", "NO_TAPE", "TRACK_NOT_FOUND", "TAPE_DAMAGED"] as const;

/** Orders of a session's user on its tape: `docs/spec/trading.md`. */
export const tradingRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/trading",
    tag,
    summary: "How the session's orders meet its tape, and the instrument that they are of",
    params: sessionParams,
    answer: tradingAnswer,
    refusals: ["SESSION_NOT_FOUND", "TRACK_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      return tradingOf(api, (await existing(api, id, caller)).record);
    },
  }),
  route({
    ...noInput,
    method: "PUT",
    path: "/sessions/{id}/trading",
    audit: { event: "command", action: "trading_settings" },
    tag,
    summary: "Set account, fees, latency and queues, before the first order; what is left out gets its default",
    params: sessionParams,
    body: tradingSettings,
    answer: tradingAnswer,
    refusals: [...tapeRefusals, "HAS_ORDERS", "BUSY"],
    async handle({ params: { id }, body, caller }, api) {
      await controlled(api, id, caller);
      return tradingOf(api, await api.trading.configure(id, body));
    },
  }),
  route({
    ...noInput,
    method: "PATCH",
    path: "/sessions/{id}/trading",
    audit: { event: "command", action: "trading_settings" },
    tag,
    summary: "Change some of these settings, before the first order; what is left out stays",
    params: sessionParams,
    body: tradingSettingsChange,
    answer: tradingAnswer,
    refusals: [...tapeRefusals, "HAS_ORDERS", "BUSY"],
    async handle({ params: { id }, body, caller }, api) {
      await controlled(api, id, caller);
      return tradingOf(api, await api.trading.adjust(id, body));
    },
  }),
  route({
    ...noInput,
    method: "POST",
    path: "/sessions/{id}/orders",
    audit: { event: "order", action: "place_order" },
    tag,
    summary: "Send an order; answers it as it is when it has arrived, or PENDING if that is not at once",
    params: sessionParams,
    query: onceQuery,
    body: orderBody,
    answer: orderAnswer,
    refusals: [...tapeRefusals, "TOO_MANY_ORDERS", "BUSY"],
    handle: ({ params: { id }, query, body: order, caller }, api) =>
      act(api, id, caller, { kind: "place", order }, query),
  }),
  route({
    ...noInput,
    method: "POST",
    path: "/sessions/{id}/order-lists",
    audit: { event: "order", action: "place_order" },
    tag,
    summary: "Send orders that depend on each other (OCO, OTO, OTOCO), all or none; answers them as POST /orders does",
    params: sessionParams,
    query: onceQuery,
    body: orderListBody,
    answer: orderListAnswer,
    refusals: [...tapeRefusals, "TOO_MANY_ORDERS", "BUSY"],
    async handle({ params: { id }, query, body, caller }, api) {
      await controlled(api, id, caller);
      return { orders: [...(await api.trading.performList(id, body, query)).orders] };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/orders",
    tag,
    summary: "Orders at the playhead, oldest first, page by page",
    params: sessionParams,
    query: ordersQuery,
    answer: ordersAnswer,
    refusals: [...tapeRefusals],
    async handle({ params: { id }, query, caller }, api) {
      const { record, standing } = await atPlayhead(api, await existing(api, id, caller));
      return { ...placeOf(record, standing), orders: ordersOf(standing, query) };
    },
  }),
  route({
    ...noInput,
    method: "DELETE",
    path: "/sessions/{id}/orders",
    audit: { event: "order", action: "cancel_orders" },
    tag,
    summary: "Cancel all open orders; answers them as they are when that has arrived, or before it",
    params: sessionParams,
    answer: canceledAnswer,
    refusals: [...tapeRefusals, "TOO_MANY_ORDERS", "BUSY"],
    async handle({ params: { id }, caller }, api) {
      const { standing } = await atPlayhead(api, await controlled(api, id, caller));
      if (standing === undefined || standing.open.length === 0) return { orders: [] };
      await api.trading.act(id, { kind: "cancel-all" });
      return { orders: [...standing.open] };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/orders/{order_id}",
    tag,
    summary: "An order at the playhead",
    params: orderParams,
    answer: orderAnswer,
    refusals: [...tapeRefusals, "ORDER_NOT_FOUND"],
    async handle({ params: { id, order_id: orderId }, caller }, api) {
      const { standing } = await atPlayhead(api, await existing(api, id, caller));
      return { order: found(standing?.orders, id, orderId) };
    },
  }),
  route({
    ...noInput,
    method: "DELETE",
    path: "/sessions/{id}/orders/{order_id}",
    audit: { event: "order", action: "cancel_order" },
    tag,
    summary: "Cancel an order",
    params: orderParams,
    answer: orderAnswer,
    refusals: [...tapeRefusals, "ORDER_NOT_FOUND", "ORDER_NOT_OPEN", "TOO_MANY_ORDERS", "BUSY"],
    handle: ({ params: { id, order_id: orderId }, caller }, api) => act(api, id, caller, { kind: "cancel", orderId }),
  }),
  route({
    ...noInput,
    method: "POST",
    path: "/sessions/{id}/orders/{order_id}/replace",
    audit: { event: "order", action: "replace_order" },
    tag,
    summary:
      "Give a resting order another price or open amount; it keeps its place only with the same price and no larger amount",
    params: orderParams,
    body: replaceBody,
    answer: orderAnswer,
    refusals: [...tapeRefusals, "ORDER_NOT_FOUND", "ORDER_NOT_OPEN", "TOO_MANY_ORDERS", "BUSY"],
    handle: ({ params: { id, order_id: orderId }, body: change, caller }, api) =>
      act(api, id, caller, { kind: "replace", orderId, change }),
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/fills",
    tag,
    summary: "Fills at the playhead, oldest first, page by page",
    params: sessionParams,
    query: fillsQuery,
    answer: fillsAnswer,
    refusals: [...tapeRefusals],
    async handle({ params: { id }, query, caller }, api) {
      const { record, standing } = await atPlayhead(api, await existing(api, id, caller));
      return { ...placeOf(record, standing), fills: pageOf(standing?.fills ?? [], ({ fill_id }) => fill_id, query) };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/account",
    tag,
    summary: "Balances, or wallet and position, at the playhead",
    params: sessionParams,
    answer: accountAnswer,
    refusals: [...tapeRefusals],
    async handle({ params: { id }, caller }, api) {
      const { record, standing } = await atPlayhead(api, await existing(api, id, caller));
      return { ...placeOf(record, standing), account: standing?.account ?? null };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/branches",
    tag,
    summary: "What rewinds undid, newest first",
    params: sessionParams,
    answer: branchesAnswer,
    refusals: ["SESSION_NOT_FOUND"],
    async handle({ params: { id }, caller }, api) {
      await existing(api, id, caller);
      const branches = await api.trading.branches(id);
      return {
        branches: branches.map(({ id: branch, tape, seq, leftAt }) => ({
          ...{ id: branch, tape, seq },
          left_at: isoOfMs(leftAt),
        })),
      };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/branches/{branch}/orders",
    tag,
    summary: "Orders of a branch as it was when it was left",
    params: branchParams,
    query: ordersQuery,
    answer: ordersAnswer,
    refusals: [...tapeRefusals, "BRANCH_NOT_FOUND"],
    async handle({ params, query, caller }, api) {
      const { epoch, standing } = await ofBranch(api, params, caller);
      return { seq: standing.seq, epoch, orders: ordersOf(standing, query) };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/branches/{branch}/fills",
    tag,
    summary: "Fills of a branch",
    params: branchParams,
    query: fillsQuery,
    answer: fillsAnswer,
    refusals: [...tapeRefusals, "BRANCH_NOT_FOUND"],
    async handle({ params, query, caller }, api) {
      const { epoch, standing } = await ofBranch(api, params, caller);
      return { seq: standing.seq, epoch, fills: pageOf(standing.fills, ({ fill_id }) => fill_id, query) };
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/branches/{branch}/account",
    tag,
    summary: "The account of a branch as it was when it was left",
    params: branchParams,
    answer: accountAnswer,
    refusals: [...tapeRefusals, "BRANCH_NOT_FOUND"],
    async handle({ params, caller }, api) {
      const { epoch, standing } = await ofBranch(api, params, caller);
      return { seq: standing.seq, epoch, account: standing.account };
    },
  }),
];

async function existing(api: Api, id: string, caller: Caller): Promise<StoredSession> {
  const session = await findSession(api, id, caller);
  if (session === undefined) throw sessionNotFound(id);
  return session;
}

/** A session that the caller may control; counts as a command. */
async function controlled(api: Api, id: string, caller: Caller): Promise<StoredSession> {
  caller.audit.session = id;
  await api.access.rateLimiter.count("commands", caller.principal, caller.address);
  const session = await existing(api, id, caller);
  throwIfRefused(controlRefusal(caller.principal, session.record));
  return session;
}

/** Performs an action on one order, which may be new. */
async function act(
  api: Api,
  id: string,
  caller: Caller,
  request: OrderRequest,
  options?: { readonly once: boolean },
): Promise<{ order: SessionOrder }> {
  await controlled(api, id, caller);
  return { order: (await api.trading.perform(id, request, options)).order };
}

async function tradingOf(api: Api, record: SessionRecord) {
  const { settings, chain } = await api.trading.settings(record);
  const tape = chain && (await api.tapes.open(chain.tape));
  const queue_auto = chain?.isQueueAuto ?? settings.queue.model === "auto";
  if (chain === undefined || tape === undefined) return { settings, queue_auto, instrument: null };
  const { price, size } = chain.decimals;
  const { symbol, source } = tape;
  const instrument = {
    ...{ symbol, source, tape: chain.tape, price_decimals: price, amount_decimals: size },
    tick: (10 ** -price).toFixed(price),
    lot: (10 ** -size).toFixed(size),
  };
  return { settings, queue_auto, instrument };
}

async function atPlayhead(
  api: Api,
  { record, now }: StoredSession,
): Promise<{ record: SessionRecord; standing: Standing | undefined }> {
  const tape = await openTape(api, record);
  if (tape === undefined) return { record, standing: undefined };
  const { seq } = await positionAt(record, now, tape);
  return { record, standing: await api.trading.at(record, seq) };
}

async function ofBranch(
  api: Api,
  { id, branch }: { readonly id: string; readonly branch: string },
  caller: Caller,
): Promise<{ epoch: number; standing: Standing }> {
  const { record } = await existing(api, id, caller);
  return { epoch: Number(branch), standing: (await api.trading.branchAt(record, branch)).standing };
}

function placeOf({ epoch }: SessionRecord, standing: Standing | undefined) {
  return { seq: standing?.seq ?? null, epoch };
}

interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

function ordersOf(standing: Standing | undefined, query: Page & { readonly open: boolean }): SessionOrder[] {
  const { orders = [], open = [] } = standing ?? {};
  const wanted = new Set(open.map(({ order_id }) => order_id));
  const { after, limit } = query;
  const rest = pageOf(orders, ({ order_id }) => order_id, { after, limit: orders.length });
  return (query.open ? rest.filter(({ order_id }) => wanted.has(order_id)) : rest).slice(0, limit);
}

/** Those after the named one; all if there is none of that name. */
function pageOf<T>(all: readonly T[], idOf: (of: T) => string, { after, limit }: Page): T[] {
  const from = after === undefined ? 0 : all.findIndex((each) => idOf(each) === after) + 1;
  return all.slice(from, from + limit);
}

function found(orders: readonly SessionOrder[] = [], id: string, orderId: string): SessionOrder {
  const order = orders.find(({ order_id }) => order_id === orderId);
  if (order === undefined) throw new RefusedError(refuse("ORDER_NOT_FOUND", `Session ${id} has no order ${orderId}.`));
  return order;
}
