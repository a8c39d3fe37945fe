import {
  accountAnswer,
  branchesAnswer,
  canceledAnswer,
  fillsAnswer,
  orderAnswer,
  orderBody,
  ordersAnswer,
  replaceBody,
  tradingAnswer,
} from "@tapedeck/protocol";
import { z } from "zod";
import { segment } from "../cluster-calls.js";
import { command, sessionId, shortSession } from "../session-calls.js";
import { type Tool, thatFit, tool } from "../tool.js";

const orderId = z.string().min(1).describe("from place_order or list_orders");
const branch = z.string().min(1).optional().describe("from list_branches: as it was when a rewind left it");
const page = {
  after: z.string().optional().describe("next_after of the page before"),
  limit: z.int().min(1).max(50).default(20),
};
const order = orderBody.shape;
const change = replaceBody.shape;

/** Orders on a session's tape, whatever it is; `trading-settings.ts` has the settings. */
export const tradingTools: readonly Tool[] = [
  tool({
    name: "place_order",
    title: "Place an order",
    description:
      "Sends an order of the session's user to its market (recorded, live or simulated). The market does not react; fills follow from the tape, with the latency and fees of set_trading. While it plays, the answer usually has the order as it arrived; while it is paused, the order is PENDING and arrives when the market plays on. Watch then shows fills. " +
      "MARKET needs amount, or quote_amount; LIMIT also price; STOP (waits for a worse price) and TAKE_PROFIT (for a better one) amount and stop_price; with _LIMIT also price. On a futures account STOP and TAKE_PROFIT may have close_position in place of amount, and with reduce_only an order never opens a position or makes it larger. Amounts and prices are decimals in text, with no more decimals than the instrument of get_account has. An order that the market refuses has the status REJECTED and a reason. A rewind to before an order undoes it.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, ...order }),
    run: ({ session_id, ...body }, { calls }, signal) =>
      calls.ask(orderAnswer, "POST", `${pathOf(session_id)}/orders`, { body, signal }),
  }),
  tool({
    name: "replace_order",
    title: "Replace an order",
    description:
      "Gives an open order another price or another open amount. It keeps its place in the queue only with the same price and no larger amount. An order that waits for its stop_price changes only together with that.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, order_id: orderId, ...change }),
    run: ({ session_id, order_id, ...body }, { calls }, signal) =>
      calls.ask(orderAnswer, "POST", `${pathOf(session_id)}/orders/${segment(order_id)}/replace`, { body, signal }),
  }),
  tool({
    name: "cancel_order",
    title: "Cancel orders",
    description: "Cancels one open order, or without order_id all of them.",
    effect: "changes",
    input: z.strictObject({ session_id: sessionId, order_id: orderId.optional() }),
    run: ({ session_id, order_id }, { calls }, signal) =>
      order_id === undefined
        ? calls.ask(canceledAnswer, "DELETE", `${pathOf(session_id)}/orders`, { signal }).then(({ orders }) => ({
            canceled: orders.length,
            order_ids: orders.slice(-200).map((each) => each.order_id),
          }))
        : calls.ask(orderAnswer, "DELETE", `${pathOf(session_id)}/orders/${segment(order_id)}`, { signal }),
  }),
  tool({
    name: "list_orders",
    title: "List orders",
    description:
      "Orders at the playhead, oldest first, each with status, filled amount and average price. If next_after is not null there are more: pass it as after.",
    effect: "reads",
    input: z.strictObject({
      session_id: sessionId,
      branch,
      open: z.boolean().default(false).describe("only those that are open or on their way"),
      ...page,
    }),
    async run({ session_id, branch, open, after, limit }, { calls }, signal) {
      const query = { open: String(open), after, limit: limit + 1 };
      const answer = await calls.ask(ordersAnswer, "GET", `${pathOf(session_id, branch)}/orders`, { query, signal });
      const orders = thatFit(answer.orders.slice(0, limit));
      const isMore = orders.length < answer.orders.length;
      return { ...answer, orders, next_after: isMore ? (orders.at(-1)?.order_id ?? null) : null };
    },
  }),
  tool({
    name: "list_fills",
    title: "List fills",
    description:
      "Fills of orders up to the playhead, oldest first, each with price, amount, fee and whether it was maker or taker. If next_after is not null there are more: pass it as after.",
    effect: "reads",
    input: z.strictObject({ session_id: sessionId, branch, ...page }),
    async run({ session_id, branch, after, limit }, { calls }, signal) {
      const query = { after, limit: limit + 1 };
      const answer = await calls.ask(fillsAnswer, "GET", `${pathOf(session_id, branch)}/fills`, { query, signal });
      const fills = thatFit(answer.fills.slice(0, limit));
      const isMore = fills.length < answer.fills.length;
      return { ...answer, fills, next_after: isMore ? (fills.at(-1)?.fill_id ?? null) : null };
    },
  }),
  tool({
    name: "get_account",
    title: "Get the account",
    description:
      "Balances, or wallet, position, margin and liquidation price, and equity, at the playhead; and of the present account the trading settings and the instrument, with its tick and lot.",
    effect: "reads",
    input: z.strictObject({ session_id: sessionId, branch }),
    async run({ session_id, branch }, { calls }, signal) {
      const path = `${pathOf(session_id, branch)}/account`;
      const account = await calls.ask(accountAnswer, "GET", path, { signal });
      if (branch !== undefined) return account;
      return { ...account, ...(await calls.ask(tradingAnswer, "GET", `${pathOf(session_id)}/trading`, { signal })) };
    },
  }),
  tool({
    name: "list_branches",
    title: "List branches",
    description:
      "What rewinds undid, newest first: each time the playhead went back to before an order, the orders and fills after that place became a branch. Pass its id as branch to list_orders, list_fills and get_account, to compare it with what you did instead.",
    effect: "reads",
    input: z.strictObject({ session_id: sessionId }),
    run: ({ session_id }, { calls }, signal) =>
      calls.ask(branchesAnswer, "GET", `${pathOf(session_id)}/branches`, { signal }),
  }),
];

/** The command `order`, which is another thing: it moves the market. */
export const simulatedOrderTools: readonly Tool[] = [
  tool({
    name: "order_in_simulation",
    title: "Trade in the simulated market",
    description:
      "In SIMULATION, while it plays: a market order that moves the session's own market, with an account of its own (account in get_session). For all other orders use place_order.",
    effect: "changes",
    input: z.strictObject({
      session_id: sessionId,
      side: z.enum(["BUY", "SELL"]),
      quantity: z.number().positive().max(1e9),
    }),
    run: async ({ session_id, ...body }, context, signal) =>
      shortSession(await command(context, session_id, "order", { body, signal })),
  }),
];

function pathOf(id: string, branch?: string): string {
  return `/sessions/${segment(id)}${branch === undefined ? "" : `/branches/${segment(branch)}`}`;
}
