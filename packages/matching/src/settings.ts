import { z } from "zod";

/** Integers that a double holds exactly. */
const units = z.int().min(0);
const ns = z.int().min(0).max(3_600_000_000_000);
const decimal = z.string().regex(/^\d{1,20}(\.\d{1,20})?$/, "must be a decimal number of 0 or more, as text");
/** Hundred-millionths of what is traded: 20,000 is 0.02 %. Below 0 is a rebate. */
const rate = z.int().min(-10_000_000).max(10_000_000);

const latency = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant"), ns }),
  /** Drawn from the seed, message by message: median times e^(sigma N), within the limits. */
  z.strictObject({
    kind: z.literal("log-normal"),
    medianNs: ns.min(1),
    sigma: z.number().min(0).max(3),
    minNs: ns.default(0),
    maxNs: ns.default(3_600_000_000_000),
  }),
]);
export type Latency = z.infer<typeof latency>;

/** The exponent of the power models. */
const n = z.number().min(0.1).max(10);
const queue = z.discriminatedUnion("model", [
  z.strictObject({ model: z.literal("risk-averse") }),
  z.strictObject({ model: z.literal("log-probability") }),
  z.strictObject({ model: z.literal("log-probability-2") }),
  z.strictObject({ model: z.literal("power-probability"), n }),
  z.strictObject({ model: z.literal("power-probability-2"), n }),
  z.strictObject({ model: z.literal("power-probability-3"), n }),
  /** Exact, for tapes that have each order. */
  z.strictObject({ model: z.literal("orders") }),
]);
export type QueueSettings = z.infer<typeof queue>;

const instrument = z.strictObject({
  /** Decimals of the integers in which prices and amounts are given. */
  priceDecimals: z.int().min(0).max(15),
  amountDecimals: z.int().min(0).max(15),
  /** Prices are multiples of this, amounts of `lot`, in the integers' units. */
  tick: units.min(1),
  lot: units.min(1),
  /** The least and the largest amount of an order. */
  minAmount: units.default(0),
  maxAmount: units.default(Number.MAX_SAFE_INTEGER),
  /** The least price times amount of an order that has a price. */
  minNotional: decimal.default("0"),
});
export type Instrument = z.infer<typeof instrument>;

const account = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("spot"), base: decimal, quote: decimal }),
  z.strictObject({
    kind: z.literal("futures"),
    /** Collateral, in the quote currency. */
    wallet: decimal,
    leverage: z.int().min(1).max(125),
    /** Of the position's value, in hundred-millionths: below that much equity it is liquidated. */
    maintenanceRate: z.int().min(0).max(50_000_000).default(400_000),
  }),
]);
export type AccountSettings = z.infer<typeof account>;

const settings = z.strictObject({
  instrument,
  /** `partial`: a fill takes what is there. `whole`: hftbacktest's exchange without partial fills. */
  fills: z.enum(["partial", "whole"]).default("partial"),
  queue: queue.default({ model: "risk-averse" }),
  /** How long an order travels to the venue, and what the venue says back. */
  latency: z
    .strictObject({ entry: latency, response: latency })
    .default({ entry: { kind: "constant", ns: 0 }, response: { kind: "constant", ns: 0 } }),
  fees: z.strictObject({ maker: rate, taker: rate }).default({ maker: 0, taker: 0 }),
  account,
  maxOpenOrders: z.int().min(1).max(100_000).default(200),
  /** Latencies are drawn from it. */
  seed: z.string().max(100).default("0"),
});
export type MatchingSettings = z.infer<typeof settings>;
export type MatchingSettingsInput = z.input<typeof settings>;

/** Names the field that breaks a rule. */
export class InvalidSettings extends Error {
  override readonly name = "InvalidSettings";
}

/** Checks settings and adds what they leave out. @throws InvalidSettings */
export function parseSettings(value: unknown): MatchingSettings {
  const parsed = settings.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidSettings(`${issue?.path.join(".") || "settings"}: ${issue?.message ?? "invalid"}`);
}
