import { DataValidation } from "../detectors/data-validation.js";
import { IcebergOrder } from "../detectors/iceberg-order.js";
import type { Detectors } from "../detectors/index.js";
import { QuoteStuffing } from "../detectors/quote-stuffing.js";
import { RapidTrading } from "../detectors/rapid-trading.js";
import { RegimeChange } from "../detectors/regime-change.js";
import { WashTrading } from "../detectors/wash-trading.js";
import { DepthShock } from "./depth-shock.js";
import { HeavyImbalance } from "./heavy-imbalance.js";
import { Layering } from "./layering.js";
import { LiquidityGap } from "./liquidity-gap.js";
import { MomentumIgnition } from "./momentum-ignition.js";
import { Spoofing } from "./spoofing.js";
import { previousThresholds as thresholds } from "./thresholds.js";
import { UnusualTradeSize } from "./unusual-trade-size.js";

/** The detectors of version 1: kept for a release, so that sessions on simulated tapes made with them play on. */
export function previousDetectors(): Detectors {
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
