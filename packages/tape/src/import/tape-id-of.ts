import { isoOfNs } from "@tapedeck/protocol";
import type { Instrument } from "./events/source-event.js";

/** `btcusdt-binance-20240808`: symbol, source and the UTC day of the first frame, in lower case. */
export function defaultTapeId({ symbol, source }: Instrument, startNs: bigint): string {
  const day = isoOfNs(startNs, 3).slice(0, 10).replaceAll("-", "");
  return `${symbol}-${source}-${day}`
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, "-")
    .replace(/^[.-]+/, "");
}
