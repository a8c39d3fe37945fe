import { MatchingEngine, type MatchingSettings, parseSettings } from "@tapedeck/matching";
import {
  RefusedError,
  refuse,
  type SessionAccount,
  type TradingSettings,
  type TradingSettingsChange,
  tradingSettings,
} from "@tapedeck/protocol";
import { pinnedTrackOf, type Tape, type TrackDecimals } from "@tapedeck/tape";
import { z } from "zod";
import { rateOf } from "./decimals.js";
import { accountView } from "./ledger/account-view.js";

/** What a chain of actions begins with: everything that its fills depend on besides the tape and the actions. */
export interface ChainSettings {
  /** `id@version` of the tape on which it began. */
  readonly tape: string;
  readonly decimals: TrackDecimals;
  readonly settings: TradingSettings;
  /** The queue model is that which the tape allows: on another tape it may be another one. */
  readonly isQueueAuto?: boolean | undefined;
  /** Somebody has chosen other settings, but not the account: a futures bot gets a futures account. */
  readonly isAccountUnset?: boolean | undefined;
}

const chainSettings = z.object({
  tape: z.string(),
  decimals: z.object({ price: z.int(), size: z.int() }),
  settings: tradingSettings,
  isQueueAuto: z.boolean().optional(),
  isAccountUnset: z.boolean().optional(),
});

/** The first line of a chain. */
export function encodeSettings(settings: ChainSettings): string {
  return JSON.stringify(settings);
}

/** @throws if no release wrote it */
export function decodeSettings(body: string): ChainSettings {
  return chainSettings.parse(JSON.parse(body));
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
  const isQueueAuto = settings.queue.model === "auto";
  const best = { model: orders === undefined ? "risk-averse" : "orders" } as const;
  return {
    tape: tape.id,
    decimals,
    settings: { ...settings, queue: isQueueAuto ? best : settings.queue },
    isQueueAuto,
  };
}

/** The settings for a tape with some of them changed. The others stay as they were asked for, or unset. Rejects as `settingsFor` does. */
export async function changedSettings(
  tape: Tape,
  known: ChainSettings | undefined,
  { account, fees, latency, queue, fills, market_impact, seed }: TradingSettingsChange,
): Promise<ChainSettings> {
  const isKept = known !== undefined && known.tape === tape.id && known.isQueueAuto !== true;
  const before = isKept ? known.settings : settingsAsked(known);
  const changed = await settingsFor(tape, {
    account: account ?? before.account,
    fees: fees ?? before.fees,
    latency: latency ?? before.latency,
    queue: queue ?? before.queue,
    fills: fills ?? before.fills,
    market_impact: market_impact ?? before.market_impact,
    seed: seed ?? before.seed,
  });
  return {
    ...changed,
    isAccountUnset: account === undefined && (known === undefined || known.isAccountUnset === true),
  };
}

/** The settings that were asked for, for another tape, which may have no orders. */
export function settingsAsked(chain: ChainSettings | undefined): TradingSettings {
  if (chain === undefined) return tradingSettings.parse({});
  return chain.isQueueAuto || chain.settings.queue.model === "orders"
    ? { ...chain.settings, queue: { model: "auto" } }
    : chain.settings;
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
