import { MatchingEngine, type MatchingSettings, parseSettings } from "@tapedeck/matching";
import { RefusedError, refuse, type SessionAccount, type TradingSettings, tradingSettings } from "@tapedeck/protocol";
import { parseSimulatedName, pinnedTrackOf, type Tape, type TrackDecimals } from "@tapedeck/tape";
import { z } from "zod";
import { rateOf } from "./decimals.js";
import { accountView } from "./ledger/account-view.js";

/** What a chain of actions begins with: everything that its fills depend on besides the tape and the actions. */
export interface ChainSettings {
  /** `id@version` of the tape on which it began. */
  readonly tape: string;
  readonly decimals: TrackDecimals;
  readonly settings: TradingSettings;
}

const chainSettings = z.object({
  tape: z.string(),
  decimals: z.object({ price: z.int(), size: z.int() }),
  settings: tradingSettings,
});

/** The first line of a chain. */
export function encodeSettings(settings: ChainSettings): string {
  return JSON.stringify(settings);
}

/** @throws if no release wrote it */
export function decodeSettings(body: string): ChainSettings {
  return chainSettings.parse(JSON.parse(body));
}

export function defaultSettings(): TradingSettings {
  return tradingSettings.parse({});
}

/** The settings for a tape as it is now. Rejects with `TRACK_NOT_FOUND`, and with `INVALID_VALUE` for settings that do not fit the tape. */
export async function settingsFor(tape: Tape, settings: TradingSettings): Promise<ChainSettings> {
  const { decimals, orders } = await pinnedTrackOf(tape);
  if (settings.queue.model === "orders" && orders === undefined)
    throw new RefusedError(
      refuse(
        "INVALID_VALUE",
        `queue.model: orders needs a tape that has each order; ${tape.id} has not. Nothing was changed.`,
      ),
    );
  // A simulated market would have to be made again with its orders, which costs more than its levels.
  const isExact = orders !== undefined && parseSimulatedName(tape.id) === undefined;
  const queue =
    settings.queue.model === "auto" ? ({ model: isExact ? "orders" : "risk-averse" } as const) : settings.queue;
  return { tape: tape.id, decimals, settings: { ...settings, queue } };
}

/** As the engine takes them. @throws InvalidSettings */
export function engineSettings({ decimals, settings }: ChainSettings): MatchingSettings {
  const { account, fees, latency, queue, fills, seed } = settings;
  const ns = (ms: number) => Math.round(ms * 1e6);
  const travel = (of: TradingSettings["latency"]["entry"]) =>
    of.kind === "constant"
      ? { kind: of.kind, ns: ns(of.ms) }
      : { kind: of.kind, medianNs: ns(of.median_ms), sigma: of.sigma, minNs: ns(of.min_ms), maxNs: ns(of.max_ms) };
  return parseSettings({
    instrument: { priceDecimals: decimals.price, amountDecimals: decimals.size, tick: 1, lot: 1 },
    account:
      account.kind === "spot"
        ? account
        : {
            kind: "futures",
            wallet: account.wallet,
            leverage: account.leverage,
            maintenanceRate: rateOf(account.maintenance_rate),
          },
    fees: { maker: rateOf(fees.maker), taker: rateOf(fees.taker) },
    latency: { entry: travel(latency.entry), response: travel(latency.response) },
    queue: queue.model === "auto" ? { model: "risk-averse" } : queue,
    fills,
    seed,
  });
}

/** The account of a session that has not traded. */
export function emptyAccount(settings: ChainSettings): SessionAccount {
  return accountView(new MatchingEngine(engineSettings(settings)).account, undefined, settings.decimals);
}
