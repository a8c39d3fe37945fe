import { appendFileSync, mkdirSync } from "node:fs";

/** Where the numbers of the runs are kept; a folder of the project that git ignores. */
const reportFile = new URL("../../.tapedeck/test-report.txt", import.meta.url);
mkdirSync(new URL(".", reportFile), { recursive: true });

/** A number worth keeping: printed, and added to the run's report. */
export function note(line: string): void {
  console.log(line);
  appendFileSync(reportFile, `${new Date().toISOString()} ${line}\n`);
}
