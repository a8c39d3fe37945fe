import type { CopyableAnalytics, FrameAnalytics, FrameFindings, FrameMoment } from "../frame/frame-analytics.js";
import { AlertThrottle } from "./alert-throttle.js";
import type { DetectorInput } from "./detectors/detector.js";
import { copyOfDetectors, type Detectors, detectors } from "./detectors/index.js";
import { bookImbalance, directionalProbability, OrderFlowImbalance } from "./features/imbalance.js";
import { type GapThreshold, LiquidityGaps } from "./features/liquidity-gaps.js";
import { type RealizedSpread, RealizedSpreads } from "./features/realized-spread.js";
import { MarketRegime, regimes } from "./features/regime.js";
import { TradeTimes } from "./features/trade-times.js";
import { Volatility } from "./features/volatility.js";
import { Vpin } from "./features/vpin.js";
import { clamp, NumberTexts, priceDecimals, roundedOrZero } from "./rounding.js";
import { RunningMean } from "./running-statistics.js";
import { type ProfileName, profiles } from "./thresholds.js";

/** Must be raised with every change of the findings. Tapes record the version they were made with. */
export const analyticsVersion = 3;

/** The beginning of the analytics fields, which come last in a frame's head. */
export const firstAnalyticsField = ',"obi":';

interface MarketAnalyticsOptions {
  /** `relative` by default. */
  readonly profile?: ProfileName;
}

/** Averages from before a longer gap say nothing about the market after it. */
const resetAfterGapNs = 600e9;

/**
 * Features and anomalies of one tape's frames (docs/analytics.md). State is bounded and only event time is used, so the same frames
 * give the same findings, whether they come from a recording or from a tape made from it.
 */
export class MarketAnalytics implements CopyableAnalytics {
  readonly #profile: ProfileName;
  #analysis: Analysis;
  #ns = 0;

  constructor({ profile = "relative" }: MarketAnalyticsOptions = {}) {
    this.#profile = profile;
    this.#analysis = this.#begin();
  }

  /** Analytics that have seen the same frames. */
  copy(): MarketAnalytics {
    const copy = new MarketAnalytics({ profile: this.#profile });
    copy.#analysis = this.#analysis.copy();
    copy.#ns = this.#ns;
    return copy;
  }

  analyse(moment: FrameMoment): FrameFindings {
    if (moment.afterGap && moment.ns - this.#ns > resetAfterGapNs) this.#analysis = this.#begin();
    this.#ns = moment.ns;
    return this.#analysis.analyse(moment);
  }

  #begin(): Analysis {
    const thresholds = profiles[this.#profile];
    return new Analysis(thresholds.gap, detectors(thresholds));
  }
}

/** Cached range: shares are -1 to 1, and volatilities rarely above 3. */
const shares = new NumberTexts(-1, 3, 4);
const percents = new NumberTexts(0, 100, 1);
const scores = new NumberTexts(0, 20, 2);

/** Analytics of a stretch without long gaps. */
class Analysis implements FrameAnalytics {
  readonly #threshold: GapThreshold;
  readonly #tradeTimes = new TradeTimes();
  readonly #gaps: LiquidityGaps;
  readonly #flow = new OrderFlowImbalance();
  readonly #vpin = new Vpin();
  readonly #realized = new RealizedSpreads();
  readonly #volatility = new Volatility(60);
  readonly #bestBid = new RunningMean(100);
  readonly #bestAsk = new RunningMean(100);
  readonly #regime = new MarketRegime();
  readonly #alerts = new AlertThrottle();
  readonly #detectors: Detectors;
  readonly #steady = { bid: 0, ask: 0 };
  #before: FrameMoment | undefined;
  #suspicion = 0;

  constructor(threshold: GapThreshold, all: Detectors) {
    this.#threshold = threshold;
    this.#gaps = new LiquidityGaps(threshold);
    this.#detectors = all;
  }

  copy(): Analysis {
    const copy = new Analysis(this.#threshold, copyOfDetectors(this.#detectors));
    copy.#gaps.setTo(this.#gaps);
    copy.#flow.setTo(this.#flow);
    copy.#vpin.setTo(this.#vpin);
    copy.#realized.setTo(this.#realized);
    copy.#volatility.setTo(this.#volatility);
    copy.#bestBid.setTo(this.#bestBid);
    copy.#bestAsk.setTo(this.#bestAsk);
    copy.#regime.setTo(this.#regime);
    copy.#alerts.setTo(this.#alerts);
    copy.#steady.bid = this.#steady.bid;
    copy.#steady.ask = this.#steady.ask;
    copy.#before = this.#before;
    copy.#suspicion = this.#suspicion;
    return copy;
  }

  // HOT: once per frame of an import. analytics.bench.ts of the importers guards it.
  analyse(moment: FrameMoment): FrameFindings {
    const { bids, asks, mid, trades } = moment;
    const before = moment.afterGap ? undefined : this.#before;
    const seconds = before === undefined ? 0 : Math.max(0, (moment.ns - before.ns) / 1e9);
    const bid = bids[0]?.[0] ?? Number.NaN;
    const ask = asks[0]?.[0] ?? Number.NaN;
    const bidSize = bids[0]?.[1] ?? 0;
    const askSize = asks[0]?.[1] ?? 0;
    let volume = 0;
    for (const { size } of trades) volume += size;

    const obi = bookImbalance(bids, asks);
    if (before === undefined) this.#flow.clear();
    else this.#flow.update(seconds, before, moment);
    this.#vpin.update(seconds, trades);
    this.#volatility.update(seconds, before?.mid ?? mid, mid);
    this.#gaps.update(bids, asks);
    if (bidSize > 0) this.#bestBid.add(bidSize);
    if (askSize > 0) this.#bestAsk.add(askSize);
    this.#steady.bid = bid === before?.bids[0]?.[0] ? this.#steady.bid + seconds : 0;
    this.#steady.ask = ask === before?.asks[0]?.[0] ? this.#steady.ask + seconds : 0;
    const tradeNs = this.#tradeTimes.of(moment);
    const realized = this.#realized.update(moment, before, tradeNs);
    if (before === undefined) this.#regime.restart();
    this.#regime.update(moment.ns, seconds, mid, ask - bid, volume, this.#suspicion);

    this.#alerts.beginFrame(moment);
    const input: DetectorInput = {
      moment,
      before,
      seconds,
      tradeNs,
      obi,
      gaps: this.#gaps,
      regime: this.#regime,
      volume,
      steady: this.#steady,
      typicalMove: this.#regime.typicalMove.value,
    };
    for (const detector of this.#detectors.all) detector.detect(input, this.#alerts.raise);
    this.#suspicion = suspicionOf(this.#alerts.events);
    this.#before = moment;
    return {
      head: this.#head(obi, directionalProbability(moment.microprice, mid, ask - bid), realized),
      anomalies: this.#alerts.anomalies,
      events: this.#alerts.events,
    };
  }

  #head(obi: number, probability: number, realized: RealizedSpread | undefined): string {
    const regime = this.#regime.current;
    const volumeVolatility = (variation(this.#bestBid) + variation(this.#bestAsk)) / 2;
    return (
      `"obi":${shares.of(clamp(-1, obi, 1))},"ofi":${shares.of(clamp(-1, this.#flow.levels[0] ?? 0, 1))},` +
      `"ofi_levels":[${this.#flowJson()}],` +
      `"directional_prob":${percents.of(clamp(0, probability, 100))},"vpin":${shares.of(clamp(0, this.#vpin.value, 1))},` +
      `"volatility":${shares.of(this.#volatility.value)},"regime":${regime},"regime_label":"${regimes[regime]}",` +
      `"gap_count":${this.#gaps.found.length},"gap_severity_score":${scores.of(this.#gaps.severity)},` +
      `"liquidity_gaps":[${this.#gapsJson()}],"spoofing_risk":${percents.of(clamp(0, this.#detectors.spoofing.risk, 100))},` +
      `"volume_volatility":${shares.of(volumeVolatility)},` +
      (realized === undefined
        ? `"realized_spread":null,"realized_spread_of":null`
        : `"realized_spread":${roundedOrZero(realized.spread, priceDecimals)},"realized_spread_of":["${realized.of.join('","')}"]`)
    );
  }

  #flowJson(): string {
    let json = "";
    for (const level of this.#flow.levels) json += `${json && ","}${shares.of(clamp(-1, level, 1))}`;
    return json;
  }

  #gapsJson(): string {
    let json = "";
    for (const { price, volume, side, level, risk } of this.#gaps.found) {
      json += `${json && ","}{"price":${price},"volume":${volume},"side":"${side}","level":${level},"risk_score":${risk}}`;
    }
    return json;
  }
}

/** Coefficient of variation: standard deviation / mean; 0 without data. */
function variation(size: RunningMean): number {
  return size.mean > 0 ? size.deviation / size.mean : 0;
}

const manipulations = new Set(["SPOOFING", "LAYERING", "QUOTE_STUFFING", "MOMENTUM_IGNITION", "WASH_TRADING"]);

/** A high alert of manipulation counts 1, each severity above or below twice or half as much. */
function suspicionOf(events: FrameFindings["events"]): number {
  let sum = 0;
  for (const { type, severity } of events) {
    if (manipulations.has(type)) sum += { low: 0.25, medium: 0.5, high: 1, critical: 2 }[severity];
  }
  return sum;
}
