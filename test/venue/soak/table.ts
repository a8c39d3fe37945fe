import type { SoakResult } from "./soak-line.js";

const heads = "client,version,account,market,speed,orders,fills compared,told,rewinds,reconnects,problems,book,result";

/** A line for each client on each market, as Markdown. */
export function table(results: readonly SoakResult[]): string {
  const rows = results.map(({ plan: { client, market, speed, orders }, ...result }) => [
    ...[client.name, client.version, client.account, market, `${speed}x`, orders, result.fills, result.told],
    ...[result.rewinds, result.reconnects, result.problems, result.levels === 0 ? "no" : `${result.levels} levels`],
    result.failures.length === 0 ? "passed" : "FAILED",
  ]);
  const all = [heads.split(","), ...rows].map((row) => row.map(String));
  const widths = heads.split(",").map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const lines = all.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
