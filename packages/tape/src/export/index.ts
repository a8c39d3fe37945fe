export { barIntervals, barRows, parseBarInterval } from "./bar-rows.js";
export { parseRangeEnd, type RangeEnd, rangeOf, type SeqRange } from "./export-range.js";
export { type ExportOptions, exportRows } from "./export-rows.js";
export { type ExportFormat, type ExportProgress, encodeRows, exportFormats } from "./formats.js";
export { frameRows } from "./frame-rows.js";
export { orderRows } from "./order-rows.js";
export { type ExportContent, exportContents, type RowBatch, type RowSource } from "./row-source.js";
export { trackRows } from "./track-rows.js";
