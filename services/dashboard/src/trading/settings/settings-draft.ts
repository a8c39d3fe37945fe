import type { TradingSettings, TradingSettingsChange } from "@tapedeck/protocol";

type AccountKind = TradingSettings["account"]["kind"];
type QueueModel = TradingSettings["queue"]["model"];
type Latency = TradingSettings["latency"]["entry"];

/** What the form shows, as text. */
export interface SettingsDraft {
  readonly kind: AccountKind;
  readonly base: string;
  readonly quote: string;
  readonly wallet: string;
  readonly leverage: string;
  /** In percent, as the fees are. */
  readonly maintenance: string;
  readonly maker: string;
  readonly taker: string;
  /** In milliseconds; the median if they vary. */
  readonly entry: string;
  readonly response: string;
  /** Of the logarithm of the latencies; 0 if they do not vary. */
  readonly sigma: string;
  readonly queue: QueueModel;
  /** Of the power models. */
  readonly exponent: string;
  readonly fills: TradingSettings["fills"];
}

/** The cluster's own values, for the kind of account that the session does not have. */
const usual = { base: "10", quote: "1000000", wallet: "1000000", leverage: "20", maintenance: "0.4", exponent: "3" };

/** @param queueAuto whether the tape decides the queue model, because nobody has chosen one */
export function draftOf({ account, fees, latency, queue, fills }: TradingSettings, queueAuto: boolean): SettingsDraft {
  const { entry, response } = latency;
  return {
    ...usual,
    kind: account.kind,
    ...(account.kind === "spot"
      ? { base: account.base, quote: account.quote }
      : {
          wallet: account.wallet,
          leverage: `${account.leverage}`,
          maintenance: percentOf(account.maintenance_rate),
        }),
    ...{ maker: percentOf(fees.maker), taker: percentOf(fees.taker) },
    ...{ entry: `${middleOf(entry)}`, response: `${middleOf(response)}` },
    sigma: `${entry.kind === "log-normal" ? entry.sigma : 0}`,
    queue: queueAuto ? "auto" : queue.model,
    ...("n" in queue && { exponent: `${queue.n}` }),
    fills,
  };
}

/**
 * What the user has changed, or a sentence that says what is wrong with it. What they have not touched is left out: the cluster keeps it as it is, and
 * what nobody has set keeps following the tape and the kind of bot.
 */
export function changeOf(
  draft: SettingsDraft,
  before: TradingSettings,
  queueAuto: boolean,
): { readonly change: TradingSettingsChange } | { readonly problem: string } {
  const shown = draftOf(before, queueAuto);
  const touched = (...names: readonly (keyof SettingsDraft)[]) => names.some((name) => draft[name] !== shown[name]);
  try {
    return {
      change: {
        ...(touched(...accountFields[draft.kind]) && { account: accountOf(draft) }),
        ...(touched("maker", "taker") && {
          fees: { maker: rateOf("Maker fee", draft.maker), taker: rateOf("Taker fee", draft.taker) },
        }),
        ...(touched("entry", "response", "sigma") && {
          latency: {
            entry: latencyOf("Latency to the venue", draft.entry, draft.sigma, before.latency.entry),
            response: latencyOf("Latency back", draft.response, draft.sigma, before.latency.response),
          },
        }),
        ...(touched("queue", ...(isPower(draft.queue) ? (["exponent"] as const) : [])) && { queue: queueOf(draft) }),
        ...(touched("fills") && { fills: draft.fills }),
      },
    };
  } catch (error) {
    if (error instanceof WrongValue) return { problem: error.message };
    throw error;
  }
}

/** What belongs to each kind of account. */
const accountFields = {
  spot: ["kind", "base", "quote"],
  futures: ["kind", "wallet", "leverage", "maintenance"],
} as const satisfies Record<AccountKind, readonly (keyof SettingsDraft)[]>;

class WrongValue extends Error {}

function accountOf({ kind, base, quote, wallet, leverage, maintenance }: SettingsDraft): TradingSettings["account"] {
  if (kind === "spot") return { kind, base: amountOf("Base", base), quote: amountOf("Quote", quote) };
  return {
    kind,
    wallet: amountOf("Wallet", wallet),
    leverage: numberOf("Leverage", leverage, 1, 125),
    maintenance_rate: rateOf("Maintenance margin", maintenance),
  };
}

function queueOf({ queue: model, exponent }: SettingsDraft): TradingSettings["queue"] {
  if (isPower(model)) return { model, n: numberOf("Exponent", exponent, 0.1, 10) };
  return { model };
}

type PowerModel = Extract<TradingSettings["queue"], { n: number }>["model"];

/** Whether a model has an exponent. */
export function isPower(model: QueueModel): model is PowerModel {
  return model.startsWith("power-");
}

function latencyOf(name: string, text: string, spread: string, before: Latency): Latency {
  const ms = numberOf(name, text, 0, 3_600_000);
  const sigma = numberOf("Spread", spread, 0, 3);
  if (sigma === 0 || ms === 0) return { kind: "constant", ms };
  const limits = before.kind === "log-normal" ? before : { min_ms: 0, max_ms: 3_600_000 };
  return { kind: "log-normal", median_ms: ms, sigma, min_ms: limits.min_ms, max_ms: limits.max_ms };
}

function middleOf(latency: Latency): number {
  return latency.kind === "constant" ? latency.ms : latency.median_ms;
}

/** A plain decimal of at least 0. Thousands may have commas. */
function amountOf(name: string, text: string): string {
  const plain = text.trim().replaceAll(",", "");
  if (!/^\d{1,15}(\.\d{1,15})?$/.test(plain)) throw new WrongValue(`${name} must be a number, such as 0.5.`);
  return plain;
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (number >= least && number <= most) return number;
  throw new WrongValue(`${name} must be a number from ${least} to ${most}.`);
}

/** "0.0004" to "0.04", to the last digit. */
export function percentOf(rate: string): string {
  return shifted(rate, 2);
}

/** The other way. */
function rateOf(name: string, percent: string): string {
  const plain = percent.trim().replace(/\s*%$/, "").replace("−", "-");
  if (!/^-?\d{1,3}(\.\d{1,6})?$/.test(plain))
    throw new WrongValue(`${name} must be a percentage with at most 6 decimals, such as 0.04.`);
  return shifted(plain, -2);
}

/** A decimal times ten to the power of `by`, without the rounding of numbers. */
function shifted(text: string, by: number): string {
  const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const digits = `${"0".repeat(Math.max(0, -by))}${whole}${fraction}${"0".repeat(Math.max(0, by))}`;
  const point = Math.max(0, -by) + whole.length + by;
  const left = digits.slice(0, point).replace(/^0+(?=\d)/, "");
  const right = digits.slice(point).replace(/0+$/, "");
  const isZero = /^0*$/.test(left + right);
  return `${isZero ? "" : sign}${left === "" ? "0" : left}${right === "" ? "" : `.${right}`}`;
}
