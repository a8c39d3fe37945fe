import { DataValidation } from "../detectors/data-validation.js";
import { DepthShock } from "../detectors/depth-shock.js";
import { HeavyImbalance } from "../detectors/heavy-imbalance.js";
import { IcebergOrder } from "../detectors/iceberg-order.js";
import type { Detectors } from "../detectors/index.js";
import { QuoteStuffing } from "../detectors/quote-stuffing.js";
import { RapidTrading } from "../detectors/rapid-trading.js";
import { RegimeChange } from "../detectors/regime-change.js";
import { Spoofing } from "../detectors/spoofing.js";
import { UnusualTradeSize } from "../detectors/unusual-trade-size.js";
import { WashTrading } from "../detectors/wash-trading.js";
import { Layering } from "./layering.js";
import { LiquidityGap } from "./liquidity-gap.js";
import { MomentumIgnition } from "./momentum-ignition.js";
import { previousThresholds as thresholds } from "./thresholds.js";

/** The detectors of version 2: kept for a release, so that sessions on simulated tapes made with them play on. */
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
