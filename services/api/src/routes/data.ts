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
import { noInput, RawResponse, type Route, route } from "../http/route.js";
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

/** The path, kind and display name of each kind of anomaly. */
const kinds: readonly (readonly [path: string, kind: AnomalyKind, name: string])[] = [
  ["liquidity-gaps", "liquidity_gaps", "Liquidity gaps"],
  ["spoofing", "spoofing", "Suspected spoofing"],
  ["quote-stuffing", "quote_stuffing", "Quote stuffing"],
  ["layering", "layering", "Suspected layering"],
  ["momentum-ignition", "momentum_ignition", "Suspected momentum ignition"],
  ["wash-trading", "wash_trading", "Suspected wash trading"],
  ["iceberg-orders", "iceberg_orders", "Iceberg orders"],
];

/** The last frames of a session, and reports on the trades and anomalies that they contain. */
export const dataRoutes: readonly Route[] = [
  route({
    ...noInput,
    method: "GET",
    path: "/features",
    tag: "Data",
    summary: "The last frames of a session, at most 100, oldest first; empty for an absent session",
    query: sessionQuery,
    answer: z.array(frame),
    async handle({ query: { session_id = globalSessionId }, caller }, api) {
      const frames = await framesOf(api, session_id, caller);
      return new RawResponse("json", `[${frames.join(",")}]`);
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/snapshot/latest",
    tag: "Data",
    summary: "The newest frame of a session; {} for an absent session",
    query: sessionQuery,
    answer: z.union([frame, z.strictObject({})]),
    async handle({ query: { session_id = globalSessionId }, caller }, api) {
      const [latest = "{}"] = await framesOf(api, session_id, caller, 1);
      return new RawResponse("json", latest);
    },
  }),
  report("/anomalies", "Anomalies in a session's last frames, oldest first", anomaliesAnswer, anomaliesOf),
  report(
    "/anomalies/summary",
    "Number of anomalies of each kind in a session's last frames",
    anomalySummary,
    summaryOf,
  ),
  ...kinds.map(([path, kind, name]) =>
    report(`/anomalies/${path}`, `${name} in a session's last frames`, anomaliesOfKindAnswer(kind), (frames) =>
      anomaliesOfKind(frames, kind),
    ),
  ),
  report(
    "/trades/classification",
    "Trades in a session's last frames, oldest first",
    classifiedTrades,
    classificationOf,
  ),
  report(
    "/trades/spreads",
    "Effective and realized spreads of the trades in a session's last frames",
    tradeSpreads,
    spreadsOf,
  ),
  report("/trades/vpin", "VPIN over a session's last frames", vpinHistory, vpinOf),
  report("/trades/anomalies", "Unusual trades in a session's last frames", tradeAnomalies, tradeAnomaliesOf),
  route({
    ...noInput,
    method: "GET",
    path: "/alerts/history",
    tag: "Data",
    summary: "The newest alerts in a session's last frames, oldest first",
    query: alertsQuery,
    answer: alertHistory,
    async handle({ query: { session_id, limit }, caller }, api) {
      return alertHistoryOf(await readFrames(api, session_id, caller), limit);
    },
  }),
  report("/alerts/stats", "Number of alerts of each type in a session's last frames", alertStats, alertStatsOf),
];

/** A route that answers a report on a session's last frames. */
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
