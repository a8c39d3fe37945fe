import {
  alertHistory,
  alertStats,
  anomaliesAnswer,
  anomalySummary,
  classifiedTrades,
  type Frame,
  frame,
  tradeAnomalies,
  tradeSpreads,
  vpinHistory,
} from "@tapedeck/protocol";
import { z } from "zod";
import { frameRow } from "../frame-rows.js";
import { sessionId } from "../session-calls.js";
import { type Tool, type ToolContext, thatFit, tool } from "../tool.js";

/** Frames and reports are about the last frames up to the playhead, at most so many. */
const mostFrames = 100;

export const frameTools: readonly Tool[] = [
  tool({
    name: "get_frames",
    title: "Get the last frames",
    description:
      "The last frames up to the playhead (at most 100 are kept), oldest first: best prices, mid, order book imbalance (obi) and order flow imbalance (ofi) from -1 to 1, VPIN from 0 to 1, regime, trades and anomalies since the frame before. " +
      "detail full: everything, with 20 levels a side and each trade (the newest 50), for few frames. For older ones seek there first.",
    effect: "reads",
    input: z.strictObject({
      session_id: sessionId,
      count: z.int().min(1).max(mostFrames).default(10),
      detail: z.enum(["short", "full"]).default("short"),
    }),
    async run({ session_id, count, detail }, { calls }, signal) {
      const frames = await calls.ask(z.array(frame), "GET", "/features", { query: { session_id }, signal });
      const wanted = frames.slice(-count).reverse();
      const newest = thatFit<object>(wanted.map(detail === "full" ? wholeFrame : frameRow));
      return { kept: frames.length, left_out: wanted.length - newest.length, frames: newest.reverse() };
    },
  }),
  tool({
    name: "get_analytics",
    title: "Get an analysis of the last frames",
    description:
      "A report on the last 100 frames up to the playhead: anomalies (with messages), anomaly_counts, trades (each with side and effective spread), spreads (effective and realized, with statistics), vpin (with statistics), trade_anomalies, alerts, alert_counts. " +
      "Lists have their newest items, oldest first; total says how many there are.",
    effect: "reads",
    input: z.strictObject({
      session_id: sessionId,
      report: z.enum([
        "anomalies",
        "anomaly_counts",
        "trades",
        "spreads",
        "vpin",
        "trade_anomalies",
        "alerts",
        "alert_counts",
      ]),
      limit: z.int().min(1).max(200).default(30).describe("items of a list"),
    }),
    run: ({ report, session_id, limit }, context, signal) => reports[report](context, { session_id, limit, signal }),
  }),
];

/** Of a merged frame, which may have a thousand. */
const mostTrades = 50;

/** All that a frame says, with its newest trades. */
function wholeFrame({ trades, ...rest }: Frame): object {
  const left = trades.length - mostTrades;
  return { ...rest, trades: trades.slice(-mostTrades), ...(left > 0 && { trades_left_out: left }) };
}

interface Asked {
  readonly session_id: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}

const reports = {
  anomalies: async (context: ToolContext, asked: Asked) =>
    newest(await ask(context, anomaliesAnswer, "/anomalies", asked), asked),
  anomaly_counts: (context: ToolContext, asked: Asked) => ask(context, anomalySummary, "/anomalies/summary", asked),
  trades: async (context: ToolContext, asked: Asked) =>
    newest((await ask(context, classifiedTrades, "/trades/classification", asked)).trades, asked),
  async spreads(context: ToolContext, asked: Asked) {
    const { spreads, statistics } = await ask(context, tradeSpreads, "/trades/spreads", asked);
    return { statistics, ...newest(spreads, asked) };
  },
  async vpin(context: ToolContext, asked: Asked) {
    const { vpin_history, statistics, interpretation } = await ask(context, vpinHistory, "/trades/vpin", asked);
    return { statistics, interpretation, ...newest(vpin_history, asked) };
  },
  trade_anomalies: async (context: ToolContext, asked: Asked) =>
    newest((await ask(context, tradeAnomalies, "/trades/anomalies", asked)).anomalies, asked),
  alerts: async (context: ToolContext, asked: Asked) =>
    newest(await ask(context, alertHistory, "/alerts/history", asked, { limit: 1000 }), asked),
  alert_counts: (context: ToolContext, asked: Asked) => ask(context, alertStats, "/alerts/stats", asked),
};

function ask<T>(
  { calls }: ToolContext,
  answer: z.ZodType<T>,
  path: string,
  { session_id, signal }: Asked,
  query = {},
): Promise<T> {
  return calls.ask(answer, "GET", path, { query: { session_id, ...query }, signal });
}

function newest<T>(items: readonly T[], { limit }: Asked) {
  const shown = thatFit(items.slice(-limit).reverse()).reverse();
  return { total: items.length, items: shown };
}
