// Measures the detectors and writes the tables of docs/detection.md, all or those named:
//   npx tsx --conditions tapedeck-source test/detection/report.ts [tuning] [held-out] [recordings]
import { readFileSync, writeFileSync } from "node:fs";
import { heldOutSeeds, incidentSeverities, tuningSeeds } from "@tapedeck/market";
import type { Severity } from "@tapedeck/protocol";
import { play } from "./play-scenario.js";
import { reasonOf } from "./reasons.js";
import { type Recorded, recorded } from "./recordings.js";
import { type Score, scoreOf } from "./score.js";

const scenario = "mixed";
const minutes = 60;
const page = new URL("../../docs/detection.md", import.meta.url);
const severities: readonly Severity[] = ["low", "medium", "high", "critical"];

const sections: Readonly<Record<string, () => string | Promise<string>>> = {
  tuning: () =>
    `### Seeds 1 to ${tuningSeeds.length}, on which detectors were tuned\n\n${tableOf(scored(tuningSeeds))}`,
  "held-out": () => {
    const scores = scored(heldOutSeeds);
    return `### The ${heldOutSeeds.length} held-out seeds\n\n${tableOf(scores)}\n\n${casesOf(scores)}`;
  },
  recordings: async () => `### Real recordings\n\n${await real()}`,
};
const asked = process.argv.slice(2);
for (const [name, section] of Object.entries(sections)) {
  if (asked.length === 0 || asked.includes(name)) write(name, await section());
}

/** Writes between the section's marks in the page. */
function write(name: string, section: string): void {
  const [begin, end] = [`<!-- measured by report.ts ${name} -->`, "<!-- end of what is measured -->"];
  const text = readFileSync(page, "utf8");
  const at = text.indexOf(begin);
  const till = text.indexOf(end, at);
  if (at === -1 || till === -1) throw new Error(`docs/detection.md has no place for ${name}`);
  writeFileSync(page, `${text.slice(0, at)}${begin}\n\n${section}\n\n${text.slice(till)}`);
}

type Scores = readonly (readonly [type: string, score: Score])[];

function scored(seeds: readonly number[]): Scores {
  return [...scoreOf(seeds.map((seed) => ({ seed, ...play(seed, scenario, minutes) })))];
}

function tableOf(scores: Scores): string {
  return [
    `Markets of ${minutes} minutes, scenario \`${scenario}\`: found / staged by severity.\n`,
    "| alert | low | medium | high | recall | false | precision | delay: median, 90 % |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...scores.map(([type, score]) => row(type, score)),
  ].join("\n");
}

/** Lists each miss and each false alert. */
function casesOf(scores: Scores): string {
  const misses = scores.flatMap(([type, score]) =>
    score.misses.map(({ seed, label }) => {
      const when = `seed ${seed} at ${(label.fromNs / 1e9).toFixed(1)} s, ${label.severity}`;
      return `- ${type}, ${when}: ${reasonOf(seed, scenario, label)}`;
    }),
  );
  const wrong = scores.flatMap(([type, score]) => score.wrong.map((one) => `- ${type}, ${one}`));
  return [
    ["Missed, with what their frames show:", "", ...(misses.length > 0 ? misses : ["- none"])].join("\n"),
    ["False:", "", ...(wrong.length > 0 ? wrong : ["- none"])].join("\n"),
  ].join("\n\n");
}

function row(type: string, { staged, found, falseAlerts, delaysS, bySeverity }: Score): string {
  const graded = incidentSeverities.map((severity) => `${bySeverity[severity].found} / ${bySeverity[severity].staged}`);
  const delays = [...delaysS].sort((a, b) => a - b);
  const delay = (share: number) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]?.toFixed(1);
  const precision = found + falseAlerts === 0 ? "-" : (found / (found + falseAlerts)).toFixed(2);
  return `| ${type} | ${graded.join(" | ")} | ${(found / staged).toFixed(2)} | ${falseAlerts} | ${precision} | ${delay(0.5) ?? "-"} s, ${delay(0.9) ?? "-"} s |`;
}

async function real(): Promise<string> {
  const all: Recorded[] = [];
  for await (const one of recorded()) all.push(one);
  if (all.length === 0) return "The recordings are missing.";
  const hours = all.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const counts = new Map<string, number[]>();
  for (const { type, severity } of all.flatMap(({ alerts }) => alerts)) {
    const row = counts.get(type) ?? severities.map(() => 0);
    const at = severities.indexOf(severity);
    row[at] = (row[at] ?? 0) + 1;
    counts.set(type, row);
  }
  const high = all.flatMap(({ tape, alerts }) =>
    alerts
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
