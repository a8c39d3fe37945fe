import {
  type AnomalyKind,
  alertHistory,
  alertStats,
  alertsQuery,
  anomaliesAnswer,
  anomaliesOfKindAnswer,
  anomalySummary,
  classifiedTrades,
  type Frame,
  frame,
  globalSessionId,
  sessionQuery,
  tradeAnomalies,
  tradeSpreads,
  vpinHistory,
} from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import {
  alertHistoryOf,
  alertStatsOf,
  anomaliesOf,
  anomaliesOfKind,
  classificationOf,
  spreadsOf,
  summaryOf,
  tradeAnomaliesOf,
  vpinOf,
} from "../sessions/frame-analytics.js";
import { framesOf } from "../sessions/history.js";

/** Paths of the kinds of anomalies, and what they are called in a sentence. */
const kinds: readonly (readonly [path: string, kind: AnomalyKind, name: string])[] = [
  ["liquidity-gaps", "liquidity_gaps", "Liquidity gaps"],
  ["spoofing", "spoofing", "Suspected spoofing"],
  ["quote-stuffing", "quote_stuffing", "Quote stuffing"],
  ["layering", "layering", "Suspected layering"],
  ["momentum-ignition", "momentum_ignition", "Suspected momentum ignition"],
  ["wash-trading", "wash_trading", "Suspected wash trading"],
  ["iceberg-orders", "iceberg_orders", "Iceberg orders"],
];

/** What follows from the trades and anomalies that a session's last frames carry; nothing is detected here. */
export const analyticsRoutes: readonly Route[] = [
  report("/anomalies", "Anomalies of a session's last frames, oldest first", anomaliesAnswer, anomaliesOf),
  report("/anomalies/summary", "How many anomalies of each kind they carry", anomalySummary, summaryOf),
  ...kinds.map(([path, kind, name]) =>
    report(`/anomalies/${path}`, `${name} in a session's last frames`, anomaliesOfKindAnswer(kind), (frames) =>
      anomaliesOfKind(frames, kind),
    ),
  ),
  report(
    "/trades/classification",
    "Trades of a session's last frames, oldest first",
    classifiedTrades,
    classificationOf,
  ),
  report("/trades/spreads", "What the trades of its last frames paid for taking", tradeSpreads, spreadsOf),
  report("/trades/vpin", "VPIN of a session's last frames", vpinHistory, vpinOf),
  report("/trades/anomalies", "Unusual trades in a session's last frames", tradeAnomalies, tradeAnomaliesOf),
  route({
    ...noInput,
    method: "GET",
    path: "/alerts/history",
    tag: "Data",
    summary: "The newest alerts of a session's last frames, oldest first",
    query: alertsQuery,
    answer: alertHistory,
    async handle({ query: { session_id, limit }, caller }, api) {
      return alertHistoryOf(await readFrames(api, session_id, caller), limit);
    },
  }),
  report("/alerts/stats", "How many alerts of each type they carry", alertStats, alertStatsOf),
];

/** A route that answers what follows from a session's last frames. */
function report<Answer extends z.ZodType>(
  path: string,
  summary: string,
  answer: Answer,
  of: (frames: readonly Frame[]) => z.input<Answer>,
): Route {
  return route({
    ...noInput,
    method: "GET",
    path,
    tag: "Data",
    summary,
    query: sessionQuery,
    answer,
    async handle({ query: { session_id }, caller }, api) {
      return of(await readFrames(api, session_id, caller));
    },
  });
}

async function readFrames(api: Api, id: string | undefined, caller: Caller): Promise<Frame[]> {
  const frames = await framesOf(api, id ?? globalSessionId, caller);
  return z.array(frame).parse(JSON.parse(`[${frames.join(",")}]`));
}
