/** How venues' own messages are read, for whoever hears them live. */

export { crc32 } from "../checksum.js";
export { BinanceMessages } from "./formats/binance-messages.js";
export { readBitmexMessage } from "./formats/bitmex-messages.js";
export { readCoinbaseMessage } from "./formats/coinbase-messages.js";
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
} from "./formats/fields.js";
export { BrokenLine } from "./import-errors.js";
export type { SourceEvent, SourceKeyed, SourceTrade } from "./source-event.js";
