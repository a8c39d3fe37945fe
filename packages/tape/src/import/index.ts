export { type DemoTapeOptions, demoLabels, writeDemoTape } from "./demo.js";
export { neededColumns } from "./formats/csv/csv-columns.js";
export { formatNames, formats, unknownFormat } from "./formats/registry.js";
export { ImportRefused } from "./import-errors.js";
export {
  type ImportOptions,
  type ImportProgress,
  type ImportTarget,
  importRecording,
} from "./import-recording.js";
export { type ImportReport, reportLines, type TapeReport } from "./import-report.js";
