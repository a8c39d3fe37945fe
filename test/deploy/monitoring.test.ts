import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { documented } from "../support/metrics.js";
import { problemsOf } from "../support/promql.js";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(fileURLToPath(new URL(path, root)), "utf8");
const duration = z.string().regex(/^\d+(ms|s|m|h)$/);

const alert = z.strictObject({
  alert: z.string().regex(/^Tapedeck[A-Z]\w+$/),
  expr: z.string(),
  for: duration,
  labels: z.strictObject({ severity: z.enum(["critical", "warning", "info"]) }),
  annotations: z.strictObject({
    summary: z.string().min(10),
    description: z.string().min(20),
    runbook: z.string().min(20),
  }),
});
const alertFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(alert).min(1) })).min(1),
});

const prometheus = z.strictObject({
  global: z.strictObject({ scrape_interval: duration, evaluation_interval: duration }),
  rule_files: z.array(z.string()),
  scrape_configs: z.array(
    z.strictObject({
      job_name: z.string(),
      honor_labels: z.boolean(),
      dns_sd_configs: z.array(
        z.strictObject({
          names: z.array(z.string()),
          type: z.enum(["A", "AAAA", "SRV"]),
          port: z.int(),
          refresh_interval: duration,
        }),
      ),
    }),
  ),
});

const source = z.strictObject({ type: z.literal("prometheus"), uid: z.string().regex(/^\$\{datasource\}$/) });
const place = z.strictObject({ x: z.int().min(0), y: z.int().min(0), w: z.int().min(1).max(24), h: z.int().min(1) });
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource: source,
  editorMode: z.literal("code"),
  expr: z.string(),
  legendFormat: z.string(),
  range: z.boolean(),
});
const row = z.strictObject({
  id: z.int(),
  type: z.literal("row"),
  title: z.string(),
  collapsed: z.literal(false),
  gridPos: place,
  panels: z.tuple([]),
});
/** Units by Grafana's own ids. */
const unit = z.enum(["short", "ops", "reqps", "s", "bytes", "Bps", "percentunit"]);
const graph = z.strictObject({
  id: z.int(),
  type: z.enum(["timeseries", "stat"]),
  title: z.string(),
  description: z.string(),
  datasource: source,
  gridPos: place,
  fieldConfig: z.strictObject({
    defaults: z.strictObject({ unit, min: z.number().optional(), custom: z.looseObject({}).optional() }),
    overrides: z.tuple([]),
  }),
  options: z.looseObject({}),
  targets: z.array(target).min(1),
});
const dashboard = z.looseObject({
  uid: z.literal("tapedeck"),
  title: z.string(),
  /** Grafana 12 writes 41 and above. */
  schemaVersion: z.int().min(41),
  refresh: duration,
  time: z.strictObject({ from: z.string(), to: z.string() }),
  templating: z.strictObject({
    list: z.array(z.looseObject({ name: z.string(), type: z.string(), query: z.string() })),
  }),
  panels: z.array(z.union([row, graph])),
});

const alerts = alertFile.parse(parse(read("deploy/prometheus/alerts.yml"))).groups.flatMap(({ rules }) => rules);
const { panels, templating } = dashboard.parse(JSON.parse(read("deploy/grafana/dashboards/tapedeck.json")));
const graphs = panels.filter((panel) => panel.type !== "row");

test("[OB7] the check finds invalid PromQL, and metrics and labels that are not exposed", () => {
  expect(problemsOf("sum(rate(tapedeck_errors_total[5m]))")).toEqual([]);
  expect(problemsOf("sum(rate(tapedeck_errors_total[5m])")).not.toEqual([]);
  expect(problemsOf("rate(tapedeck_error_total[5m])")).toEqual(["tapedeck_error_total is not exposed"]);
  expect(problemsOf("sum by (mode) (tapedeck_errors_total)")).toMatchObject([/has a label mode/]);
  expect(problemsOf("tapedeck_ticker_lateness_seconds")).toEqual(["tapedeck_ticker_lateness_seconds is not exposed"]);
});

test.each(alerts)("[OB7] the alert $alert uses existing metrics, and has a severity and a runbook", (its) => {
  expect(problemsOf(its.expr)).toEqual([]);
  const text = Object.values(its.annotations).join(" ");
  const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? "");
  // A label that the query sums away would stay empty in the text.
  for (const label of named) expect(its.expr).toMatch(new RegExp(`\\b${label}\\b|^up\\{`));
});

test("[OB7] no two alerts have one name, and runbooks that refer to another alert name one", () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  for (const { annotations } of alerts) {
    for (const [name] of annotations.runbook.matchAll(/Tapedeck[A-Z]\w+/g)) expect(names).toContain(name);
  }
});

test.each(graphs.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)))(
  "[OB8] the graph %s uses existing metrics",
  (_, expr) => {
    const variables = templating.list.map(({ name }) => name);
    const filled = expr.replaceAll("$__rate_interval", "5m");
    for (const [, name] of filled.matchAll(/\$(\w+)/g)) expect(variables).toContain(name);
    expect(problemsOf(filled)).toEqual([]);
  },
);

test("[OB8] the dashboard has its rows, and no two panels share an id or a place", () => {
  const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title);
  expect(rows).toEqual(["Overview", "Sessions", "Gateways", "Tickers", "Feeds", "Redis", "Api", "Venues"]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
});

test("[OB8] every metric of Tapedeck is on the dashboard or in an alert, except for listed minor ones", () => {
  const queries = [
    ...alerts.map(({ expr }) => expr),
    ...graphs.flatMap(({ targets }) => targets.map((t) => t.expr)),
  ].join(" ");
  const unused = documented.map(({ name }) => name).filter((name) => !queries.includes(name));
  expect(unused).toEqual([
    "tapedeck_block_cache_bytes",
    "tapedeck_api_files_bytes",
    "tapedeck_api_files_total",
    "tapedeck_sessions_lived_seconds_total",
    "tapedeck_gateway_sockets_opened_total",
    "tapedeck_gateway_sessions_watched",
    "tapedeck_gateway_lags_total",
    "tapedeck_gateway_skipped_trades_total",
    "tapedeck_gateway_refusals_total",
    "tapedeck_ticker_pipeline_commands_total",
    "tapedeck_feed_leases_ended_total",
  ]);
});

/** Prometheus's own checker: of Debian's package `prometheus`, or of its releases. */
const promtool = (...args: string[]) =>
  spawnSync("promtool", args, { cwd: fileURLToPath(new URL("deploy/prometheus", root)), encoding: "utf8" });
const hasPromtool = promtool("--version").error === undefined;
if (!hasPromtool)
  console.warn("promtool is not installed: when alerts fire is not tested (apt-get install prometheus)");

test.skipIf(!hasPromtool)("[OB13] each alert fires in its case, and none fires in a healthy cluster", () => {
  const { status, stdout, stderr } = promtool("test", "rules", "alerts.test.yml");
  expect(stdout + stderr).toMatch(/SUCCESS/);
  expect(status).toBe(0);
});

test.skipIf(!hasPromtool)("[OB7] Prometheus accepts its configuration", () => {
  expect(promtool("check", "config", "prometheus.yml")).toMatchObject({ status: 0 });
});

test("[OB13] each alert has its case", () => {
  const cases = read("deploy/prometheus/alerts.test.yml");
  for (const { alert } of alerts) expect(cases).toContain(`alertname="${alert}"}', value: 1 }`);
});

test("[OB7] Prometheus reads the alerts, and scrapes each service at its metrics port", () => {
  const { rule_files, scrape_configs } = prometheus.parse(parse(read("deploy/prometheus/prometheus.yml")));
  expect(rule_files).toEqual(["alerts.yml"]);
  const compose = z
    .looseObject({ services: z.record(z.string(), z.looseObject({ environment: z.looseObject({}).optional() })) })
    .parse(parse(read("docker-compose.yml"), { merge: true }));
  const found = scrape_configs.flatMap(({ dns_sd_configs }) =>
    dns_sd_configs.flatMap(({ names, port }) => names.map((name) => [name, port] as const)),
  );
  expect(found.map(([name]) => name).sort()).toEqual(["api", "feed", "gateway", "ticker", "venue"]);
  for (const [name, port] of found) {
    expect([name, port]).toEqual([name, compose.services[name]?.environment?.STATUS_PORT ?? 8000]);
  }
});

test("[OB8] Grafana finds Prometheus and the dashboard where compose puts them", () => {
  const { datasources } = z
    .looseObject({ datasources: z.array(z.looseObject({ type: z.string(), url: z.url(), uid: z.string() })) })
    .parse(parse(read("deploy/grafana/provisioning/datasources/prometheus.yml")));
  expect(datasources).toMatchObject([{ type: "prometheus", url: "http://prometheus:9090" }]);
  const compose = read("docker-compose.yml");
  const { providers } = z
    .looseObject({ providers: z.array(z.looseObject({ options: z.looseObject({ path: z.string() }) })) })
    .parse(parse(read("deploy/grafana/provisioning/dashboards/tapedeck.yml")));
  for (const { options } of providers) expect(compose).toContain(`./deploy/grafana/dashboards:${options.path}:ro`);
});

test("[OB9] autoscalers use metrics that exist and that the adapter provides", () => {
  const names = ["gateway", "ticker"].map((service) => {
    const [, name = ""] = /metric: \{ name: (\w+) \}/.exec(read(`k8s/base/${service}/autoscaler.yaml`)) ?? [];
    return name;
  });
  const { rules } = z
    .looseObject({ rules: z.looseObject({ custom: z.array(z.looseObject({ seriesQuery: z.string() })) }) })
    .parse(parse(read("k8s/monitoring/adapter-rules.yaml")));
  for (const name of names) {
    expect(documented.find((metric) => metric.name === name)?.type).toBe("gauge");
    expect(rules.custom.some(({ seriesQuery }) => seriesQuery.includes(name))).toBe(true);
  }
});
