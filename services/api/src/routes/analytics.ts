import {
  type AnomalySummary,
  anomaliesAnswer,
  anomalyKinds,
  anomalySummary,
  classifiedTrades,
  type Frame,
  frame,
  globalSessionId,
  sessionQuery,
  type TradeSide,
} from "@tapedeck/protocol";
import { z } from "zod";
import type { Api } from "../api.js";
import { framesOf } from "../history.js";
import { bare, type Route, route } from "../route.js";

const tag = "Data";

/** What follows from the trades and anomalies that a session's last frames carry; nothing is detected here. */
export const analyticsRoutes: readonly Route[] = [
  route({
    ...bare,
    method: "GET",
    path: "/anomalies",
    tag,
    summary: "Anomalies of a session's last frames, oldest first",
    query: sessionQuery,
    answer: anomaliesAnswer,
    async handle({ query }, api) {
      return anomaliesOf(await readFrames(api, query.session_id));
    },
  }),
  route({
    ...bare,
    method: "GET",
    path: "/anomalies/summary",
    tag,
    summary: "How many anomalies of each kind a session's last frames carry",
    query: sessionQuery,
    answer: anomalySummary,
    async handle({ query }, api) {
      const types = anomaliesOf(await readFrames(api, query.session_id)).map(({ type }) => type);
      const count = (wanted: string) => types.filter((type) => type === wanted).length;
      return {
        quote_stuffing: count(anomalyKinds.quote_stuffing),
        layering: count(anomalyKinds.layering),
        momentum_ignition: count(anomalyKinds.momentum_ignition),
        wash_trading: count(anomalyKinds.wash_trading),
        iceberg_orders: count(anomalyKinds.iceberg_orders),
        spoofing: count(anomalyKinds.spoofing),
        liquidity_gaps: count(anomalyKinds.liquidity_gaps),
      } satisfies AnomalySummary;
    },
  }),
  route({
    ...bare,
    method: "GET",
    path: "/trades/classification",
    tag,
    summary: "Trades of a session's last frames, oldest first",
    query: sessionQuery,
    answer: classifiedTrades,
    async handle({ query }, api) {
      const frames = await readFrames(api, query.session_id);
      const trades = frames.flatMap(({ mid_price, trades }) =>
        trades.map(({ timestamp, price, size, side }) => ({
          timestamp,
          price,
          volume: size,
          side,
          mid_price,
          effective_spread: effectiveSpread(side, price, mid_price),
        })),
      );
      return { trades, count: trades.length };
    },
  }),
];

async function readFrames(api: Api, id: string = globalSessionId): Promise<Frame[]> {
  return z.array(frame).parse(JSON.parse(`[${(await framesOf(api, id)).join(",")}]`));
}

function anomaliesOf(frames: readonly Frame[]): z.infer<typeof anomaliesAnswer> {
  return frames.flatMap(({ timestamp, anomalies }) => anomalies.map((anomaly) => ({ timestamp, ...anomaly })));
}

/** What a trade paid for taking, in price units without float noise. */
function effectiveSpread(side: TradeSide, price: number, mid: number): number | null {
  if (side === "unknown") return null;
  return Number((2 * (side === "buy" ? price - mid : mid - price)).toFixed(10));
}
