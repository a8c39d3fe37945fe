/** Parsers of venues' messages, shared by imports and live feeds. */

export { crc32 } from "../../format/checksum.js";
export type { SourceEvent, SourceKeyed, SourceTrade } from "../events/source-event.js";
export { BrokenLine } from "../import-errors.js";
export { BinanceMessages } from "./binance-messages.js";
export { readBitmexMessage } from "./bitmex-messages.js";
export { readCoinbaseMessage } from "./coinbase-messages.js";
export {
  epochTime,
  type Fields,
  fieldsOf,
  isFields,
  isoNs,
  levelsOf,
  listOf,
  numberOf,
  secondsNs,
  sizeOf,
  textOf,
  textsOf,
  wholeOf,
} from "./fields.js";
export { type KrakenLevel, krakenLevels } from "./kraken-messages.js";
