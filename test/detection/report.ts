// Measures what the detectors find, and writes the tables of docs/detection.md:
//   npx tsx --conditions tapedeck-source test/detection/report.ts [minutes per seed]
import { readFileSync, writeFileSync } from "node:fs";
import { heldOutSeeds, stagedSeverities, tuningSeeds } from "@tapedeck/market";
import type { Severity } from "@tapedeck/protocol";
import { reasonOf } from "./reasons.js";
import { type Recorded, recorded } from "./recordings.js";
import { type Score, scoreOf } from "./score.js";
import { play } from "./staged.js";

const scenario = "mixed";
const minutes = Number(process.argv[2] ?? 60);
const page = new URL("../../docs/detection.md", import.meta.url);
const severities: readonly Severity[] = ["low", "medium", "high", "critical"];

const sections = [
  `### Seeds 1 to ${tuningSeeds.length}, on which detectors were tuned\n\n${simulated(tuningSeeds)}`,
  `### The ${heldOutSeeds.length} held-out seeds\n\n${simulated(heldOutSeeds)}`,
  `### Real recordings\n\n${await real()}`,
];
const begin = "<!-- measured by test/detection/report.ts -->";
const end = "<!-- end of what is measured -->";
const text = readFileSync(page, "utf8");
const [before = ""] = text.split(begin);
writeFileSync(page, `${before}${begin}\n\n${sections.join("\n\n")}\n\n${end}${text.split(end)[1] ?? "\n"}`);

function simulated(seeds: readonly number[]): string {
  const runs = seeds.map((seed) => ({ seed, ...play(seed, scenario, minutes) }));
  const scores = [...scoreOf(runs)];
  const rows = scores.map(([type, score]) => row(type, score));
  const misses = scores.flatMap(([type, score]) =>
    score.misses.map(({ seed, label }) => {
      const when = `seed ${seed} at ${(label.fromNs / 1e9).toFixed(1)} s, ${label.severity}`;
      return `- ${type}, ${when}: ${reasonOf(seed, scenario, label)}`;
    }),
  );
  const wrong = scores.flatMap(([type, score]) => score.wrong.map((one) => `- ${type}, ${one}`));
  return [
    `${runs.length} markets of ${minutes} minutes, scenario \`${scenario}\`: found / staged by severity.`,
    [
      "| alert | low | medium | high | recall | false | precision | delay: median, 90 % |",
      "| --- | --- | --- | --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n"),
    ["Missed, and what their frames show:", "", ...(misses.length > 0 ? misses : ["- none"])].join("\n"),
    ["False:", "", ...(wrong.length > 0 ? wrong : ["- none"])].join("\n"),
  ].join("\n\n");
}

function row(type: string, { staged, found, falseAlerts, delaysS, bySeverity }: Score): string {
  const graded = stagedSeverities.map((severity) => `${bySeverity[severity].found} / ${bySeverity[severity].staged}`);
  const delays = [...delaysS].sort((a, b) => a - b);
  const delay = (share: number) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]?.toFixed(1);
  const precision = found + falseAlerts === 0 ? "-" : (found / (found + falseAlerts)).toFixed(2);
  return `| ${type} | ${graded.join(" | ")} | ${(found / staged).toFixed(2)} | ${falseAlerts} | ${precision} | ${delay(0.5) ?? "-"} s, ${delay(0.9) ?? "-"} s |`;
}

async function real(): Promise<string> {
  const all: Recorded[] = [];
  for await (const one of recorded()) all.push(one);
  if (all.length === 0) return "The recordings were not there.";
  const hours = all.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const counts = new Map<string, number[]>();
  for (const { type, severity } of all.flatMap(({ heard }) => heard)) {
    const row = counts.get(type) ?? severities.map(() => 0);
    const at = severities.indexOf(severity);
    row[at] = (row[at] ?? 0) + 1;
    counts.set(type, row);
  }
  const high = all.flatMap(({ tape, heard }) =>
    heard
      .filter(({ severity }) => severity === "high" || severity === "critical")
      .map(
        ({ ns, type, severity, text: fields }) =>
          `- ${tape} at ${(ns / 1e9).toFixed(1)} s: ${type}, ${severity}, ${fields}`,
      ),
  );
  return [
    `${all.length} tapes, ${hours.toFixed(2)} hours: alerts an hour.`,
    [
      "| alert | low | medium | high | critical |",
      "| --- | --- | --- | --- | --- |",
      ...[...counts]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([type, row]) => `| ${type} | ${row.map((n) => (n / hours).toFixed(1)).join(" | ")} |`),
    ].join("\n"),
    ["Each high or critical one:", "", ...(high.length > 0 ? high : ["- none"])].join("\n"),
  ].join("\n\n");
}
