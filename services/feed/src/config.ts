import { type LiveTapeSettings, liveTapeDefaults } from "@tapedeck/live";
import { parseScenario, scenarioNames } from "@tapedeck/market";
import { commonEnv, integer, millis, readConfig, seconds } from "@tapedeck/runtime";
import { z } from "zod";
import { publicAddresses, type SocketSource, type VenueSettings } from "./venues/venues.js";

const mb = 2 ** 20;
const socketAddress = z.string().regex(/^wss?:\/\/\S+$/, "is not a ws:// or wss:// URL");
const restAddress = z.string().regex(/^https?:\/\/\S+$/, "is not an http:// or https:// URL");

const env = z.object({
  ...commonEnv,
  /** Maximum number of instruments that this feed records; further instruments wait in the queue for another feed. */
  FEED_INSTRUMENTS: integer("instruments", { min: 1, max: 10_000 }).default(100),
  /** Time between frames. */
  FRAME_MS: integer("milliseconds", { min: 10, max: 60_000 }).default(100),
  /** The feed reconnects to a venue that has sent nothing about an instrument for this long. */
  SILENCE_MS: integer("milliseconds", { min: 500, max: 600_000 }).default(15_000),
  /** At shutdown: time for all steps together, mostly the handover. Keep it below the pod's grace period. */
  SHUTDOWN_MS: millis.default(7_500),
  /** Redis keeps at least this much of a live tape, for clients that look back a little; the rest is in the tape store. */
  LIVE_RECENT_S: seconds.default(liveTapeDefaults.recentSeconds),
  LIVE_RECENT_MB: integer("megabytes", { min: 1, max: 4096 }).default(liveTapeDefaults.recentBytes / mb),
  /** Maximum of a live tape that Redis keeps while the tape store is down. */
  LIVE_UNSTORED_MB: integer("megabytes", { min: 1, max: 65_536 }).default(liveTapeDefaults.maxUnstoredBytes / mb),
  /** Length of the tape segments that are written to the tape store. */
  LIVE_PART_S: integer("seconds", { min: 1, max: 3600 }).default(liveTapeDefaults.segmentSeconds),
  /** Older segments of a live tape are removed; 0 keeps all. */
  LIVE_RETENTION_H: integer("hours", { max: 87_600 }).default(liveTapeDefaults.retentionHours),
  /** A shorter tape is removed when its instrument has no viewers left, unless a session is on it; 0 keeps all. */
  LIVE_KEEP_S: integer("seconds", { max: 3600 }).default(10),
  /** Another seed gives other simulated markets with the same symbols. */
  SIM_SEED: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,24}$/, "may contain at most 24 letters, digits, _ and -")
    .default("live"),
  SIM_SCENARIO: z
    .string()
    .refine((text) => parseScenario(text) !== undefined, `is not one of ${scenarioNames.join(", ")}`)
    .default("mixed"),
  // Addresses of the venues: set these to use your own relay or a stand-in instead of a venue's public address.
  BINANCE_URL: socketAddress.default(publicAddresses.BINANCE.socket),
  BINANCE_REST_URL: restAddress.default(publicAddresses.BINANCE.rest),
  BINANCE_FUTURES_URL: socketAddress.default(publicAddresses["BINANCE-FUTURES"].socket),
  BINANCE_FUTURES_REST_URL: restAddress.default(publicAddresses["BINANCE-FUTURES"].rest),
  BITMEX_URL: socketAddress.default(publicAddresses.BITMEX.socket),
  BYBIT_URL: socketAddress.default(publicAddresses.BYBIT.socket),
  COINBASE_URL: socketAddress.default(publicAddresses.COINBASE.socket),
  KRAKEN_URL: socketAddress.default(publicAddresses.KRAKEN.socket),
  OKX_URL: socketAddress.default(publicAddresses.OKX.socket),
  // Where the venues list their instruments. There is no default if the address above is changed.
  BITMEX_REST_URL: restAddress.optional(),
  BYBIT_REST_URL: restAddress.optional(),
  COINBASE_REST_URL: restAddress.optional(),
  KRAKEN_REST_URL: restAddress.optional(),
  OKX_REST_URL: restAddress.optional(),
});

export type FeedConfig = Readonly<z.infer<typeof env>>;

export function readFeedConfig(from?: NodeJS.ProcessEnv): FeedConfig {
  return readConfig("feed", env, from);
}

export function venueSettings(config: FeedConfig): VenueSettings {
  const at = (socket: string, rest: string) => ({ socket: new URL(socket), rest: new URL(rest) });
  const listedAt = (source: SocketSource, socket: string, rest: string | undefined) => {
    const own = publicAddresses[source];
    const list = rest ?? (socket === own.socket ? own.rest : undefined);
    return { socket: new URL(socket), rest: list === undefined ? undefined : new URL(list) };
  };
  const addresses: VenueSettings["addresses"] = {
    BINANCE: at(config.BINANCE_URL, config.BINANCE_REST_URL),
    "BINANCE-FUTURES": at(config.BINANCE_FUTURES_URL, config.BINANCE_FUTURES_REST_URL),
    BITMEX: listedAt("BITMEX", config.BITMEX_URL, config.BITMEX_REST_URL),
    BYBIT: listedAt("BYBIT", config.BYBIT_URL, config.BYBIT_REST_URL),
    COINBASE: listedAt("COINBASE", config.COINBASE_URL, config.COINBASE_REST_URL),
    KRAKEN: listedAt("KRAKEN", config.KRAKEN_URL, config.KRAKEN_REST_URL),
    OKX: listedAt("OKX", config.OKX_URL, config.OKX_REST_URL),
  };
  return { addresses, sim: { seed: config.SIM_SEED, scenario: config.SIM_SCENARIO } };
}

export function tapeSettings(config: FeedConfig): Omit<LiveTapeSettings, "track"> {
  return {
    recentSeconds: config.LIVE_RECENT_S,
    recentBytes: config.LIVE_RECENT_MB * mb,
    maxUnstoredBytes: config.LIVE_UNSTORED_MB * mb,
    segmentSeconds: config.LIVE_PART_S,
    retentionHours: config.LIVE_RETENTION_H,
  };
}
