import type { Thresholds } from "../thresholds.js";
import { DataValidation } from "./data-validation.js";
import { DepthShock } from "./depth-shock.js";
import type { Detector } from "./detector.js";
import { HeavyImbalance } from "./heavy-imbalance.js";
import { IcebergOrder } from "./iceberg-order.js";
import { Layering } from "./layering.js";
import { LiquidityGap } from "./liquidity-gap.js";
import { MomentumIgnition } from "./momentum-ignition.js";
import { QuoteStuffing } from "./quote-stuffing.js";
import { RegimeChange } from "./regime-change.js";
import { Spoofing } from "./spoofing.js";
import { RapidTrading, UnusualTradeSize } from "./unusual-trades.js";
import { WashTrading } from "./wash-trading.js";

/** All detectors, in the order of their alerts in a frame. */
export interface Detectors {
  readonly all: readonly Detector[];
  /** The spoofing detector, whose risk (0 to 100) is a field of the frame. */
  readonly spoofing: Spoofing;
}

export function detectors(thresholds: Thresholds): Detectors {
  const spoofing = new Spoofing(thresholds.spoofing);
  const all = [
    new DataValidation(),
    spoofing,
    new Layering(thresholds.layering),
    new QuoteStuffing(thresholds.stuffing),
    new MomentumIgnition(thresholds.ignition),
    new WashTrading(thresholds.wash),
    new IcebergOrder(thresholds.iceberg),
    new LiquidityGap(thresholds.gapAlert),
    new DepthShock(thresholds.depth),
    new RegimeChange(),
    new HeavyImbalance(thresholds.imbalance),
    new UnusualTradeSize(thresholds.tradeSize),
    new RapidTrading(thresholds.rapid),
  ];
  return { spoofing, all };
}

/** Those that have seen the same frames. */
export function copyOfDetectors({ all, spoofing }: Detectors): Detectors {
  const copy = spoofing.copy();
  return { spoofing: copy, all: all.map((detector) => (detector === spoofing ? copy : detector.copy())) };
}
