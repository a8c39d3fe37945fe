import { readFileSync } from "node:fs";

/** A metric as docs/metrics.md describes it, or as a service exposes it. */
export interface Metric {
  readonly name: string;
  readonly type: string;
  /** Without service, node and `le`, in alphabetical order. */
  readonly labels: readonly string[];
  readonly services: readonly string[];
}

const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
const words = (text: string): string[] => text.split(/[ ,]+/).filter(Boolean).sort();

/** Our own metrics in docs/metrics.md. */
export const documented: readonly Metric[] = [
  ...page.matchAll(/^\| `(tapedeck_\w+)` \| (\w+) \| ([\w, ]*) ?\| ([\w, ]+) \|/gm),
].map(([, name = "", type = "", labels = "", services = ""]) => ({
  name,
  type,
  labels: words(labels),
  services: services.trim() === "all" ? ["api", "feed", "gateway", "ticker", "venue"] : words(services),
}));

/** Metrics of libraries in docs/metrics.md. */
export const documentedOfLibraries: readonly string[] = [...page.matchAll(/`((?:process|nodejs)_\w+)`/g)].map(
  ([, name = ""]) => name,
);

export interface Exposed {
  readonly type: string;
  readonly help: string;
  /** Labels of its first series, if any. */
  readonly labels: readonly string[] | undefined;
  readonly sum: number;
}

/** Parses Prometheus's text format. `sum` sums a metric's series, or a histogram's counts. */
export function readMetrics(text: string): Map<string, Exposed> {
  const found = new Map<string, Exposed>();
  let name = "";
  let help = "";
  for (const line of text.split("\n")) {
    const comment = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line);
    if (comment?.[1] === "HELP") help = comment[3] ?? "";
    if (comment?.[1] === "TYPE") {
      name = comment[2] ?? "";
      if (found.has(name)) throw new Error(`${name} is exposed twice`);
      found.set(name, { type: comment[3] ?? "", help, labels: undefined, sum: 0 });
    }
    const series = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    const metric = found.get(name);
    if (series === null || metric === undefined) continue;
    const [, its = "", labels = "", value = ""] = series;
    if (metric.type === "histogram" && its !== `${name}_count`) continue;
    const keys = [...labels.matchAll(/(\w+)="/g)].map(([, key = ""]) => key);
    for (const own of ["service", "node"]) if (!keys.includes(own)) throw new Error(`${line} has no label ${own}`);
    found.set(name, {
      ...metric,
      labels: keys.filter((key) => key !== "service" && key !== "node").sort(),
      sum: metric.sum + Number(value),
    });
  }
  return found;
}
