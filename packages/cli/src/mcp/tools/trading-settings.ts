import { type TradingSettingsInput, tradingAnswer } from "@tapedeck/protocol";
import { z } from "zod";
import { segment } from "../cluster-calls.js";
import { sessionId } from "../session-calls.js";
import { type Tool, tool } from "../tool.js";

const amount = z.string().describe("a decimal in text");
const models = ["auto", "orders", "risk-averse", "log-probability", "log-probability-2"] as const;
const powerModels = ["power-probability", "power-probability-2", "power-probability-3"] as const;

const input = z.strictObject({
  session_id: sessionId,
  account: z.enum(["spot", "futures"]).default("spot"),
  base: amount.default("10").describe("spot: what the account has of the base at the beginning"),
  quote: amount.default("1000000").describe("spot: of the quote currency"),
  wallet: amount.default("1000000").describe("futures: of the quote currency"),
  leverage: z.int().min(1).max(125).default(10).describe("futures"),
  maker_fee: amount.default("0.0002").describe("a rate in text; below 0 it is received"),
  taker_fee: amount.default("0.0005"),
  latency_ms: z.number().min(0).max(3_600_000).default(0).describe("each way, to the venue and back"),
  queue: z
    .enum([...models, ...powerModels])
    .default("auto")
    .describe("where a limit order stands among those at its price"),
  market_impact: z.boolean().default(true).describe("whether a simulated market reacts to what orders take"),
  queue_power: z.number().min(0.1).max(10).default(3).describe("of power-probability models"),
});

export const tradingSettingsTools: readonly Tool[] = [
  tool({
    name: "set_trading",
    title: "Set account, fees and latency",
    description:
      "Sets how orders of a session meet its market. Only before the first order (HAS_ORDERS); what is left out gets its default. Without this call an account is spot, with 10 of the base and 1,000,000 of the quote currency.",
    effect: "changes",
    input,
    run: ({ session_id, ...given }, { calls }, signal) =>
      calls.ask(tradingAnswer, "PUT", `/sessions/${segment(session_id)}/trading`, { body: settingsOf(given), signal }),
  }),
];

/** Flat arguments as the route's settings. */
function settingsOf(given: Omit<z.infer<typeof input>, "session_id">): TradingSettingsInput {
  const { base, quote, wallet, leverage, latency_ms: ms, queue, queue_power: n, market_impact } = given;
  const latency = { kind: "constant", ms } as const;
  const power = powerModels.find((model) => model === queue);
  const plain = models.find((model) => model === queue) ?? "auto";
  return {
    account: given.account === "spot" ? { kind: "spot", base, quote } : { kind: "futures", wallet, leverage },
    fees: { maker: given.maker_fee, taker: given.taker_fee },
    latency: { entry: latency, response: latency },
    queue: power === undefined ? { model: plain } : { model: power, n },
    market_impact,
  };
}
