import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";

const test = testOnCluster(() => ({
  ...{ apis: 1, gateways: 1, tickers: 1, feeds: 1 },
  env: { all: { AUDIT_STREAM: "100" } },
}));
const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const recipes = [...page("keyspace.md").matchAll(/^ {4}(redis-cli .+)$/gm)].map(([, line = ""]) => line);

/** Runs a shell command until it ends or its output matches `enough`. */
async function run(line: string, enough?: RegExp): Promise<{ code: number | null; said: string }> {
  const child = spawn("sh", ["-c", `exec ${line}`], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
    if (enough?.test(said)) child.kill();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, said };
}

test("[OB11] every recipe of docs/keyspace.md runs as written, and prints something", async ({ cluster }) => {
  const { id } = await cluster.watched({ speed: 0.5 });
  for (const mode of ["SIMULATION", "REPLAY"]) await cluster.http.call("POST", `/mode/${id}`, { mode });
  const live = await cluster.http.create({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT" });
  const viewer = await cluster.watch(live.session_id);
  await viewer.until(() => viewer.frames.length > 0, "a live frame");
  const events = cluster.keys.liveEvents("SIM", "BTCUSDT");
  await cluster.until(async () => (await cluster.redis.exists(events)) === 1, "events of the feed");
  const [node = ""] = await cluster.redis.zrange(cluster.keys.nodes, "0", "0");
  const here = (line: string) =>
    line
      .replace("redis-cli", `redis-cli -u ${cluster.redisUrl}`)
      .replaceAll("tapedeck:", `${cluster.prefix}:`)
      .replaceAll("{ID}", `{${id}}`)
      .replaceAll("{NODE}", `{${node}}`)
      .replaceAll("{BINANCE:BTCUSDT}", "{SIM:BTCUSDT}");

  expect(recipes.length).toBeGreaterThan(20);
  const answers = new Map<string, string>();
  for (const recipe of recipes) {
    const listens = recipe.includes("SUBSCRIBE");
    const { code, said } = await run(here(recipe), listens ? /\n1 [FS] \d+ \d+/ : undefined);
    if (!listens) expect([recipe, code]).toEqual([recipe, 0]);
    expect([recipe, said]).not.toEqual([recipe, expect.stringMatching(/^\(error\)|ERR|WRONGTYPE|Could not connect/)]);
    // There are no share links; all else exists.
    if (!recipe.includes(":shares")) expect([recipe, said.trim()]).not.toEqual([recipe, ""]);
    answers.set(recipe, said);
  }
  const answer = (part: string) => [...answers].find(([recipe]) => recipe.includes(part))?.[1] ?? "";
  expect(answer("mode state speed")).toMatch(/^REPLAY\nPLAYING\n0\.5\nusdm@/);
  expect(Number(answer("TTL"))).toBeGreaterThan(0);
  expect(Number(answer("state:{PLAYING}"))).toBeGreaterThanOrEqual(1);
  expect(Number(answer("mode:{LIVE}"))).toBe(1);
  expect(answer("sessions:created 0 9")).toContain(id);
  expect(answer(":viewers")).toMatch(/gateway-.*\n1 \d+/);
  expect(answer("live:wanted")).toContain("SIM:BTCUSDT");
  expect(answer("COUNT 1")).toContain('"type":"snapshot"');
  await cluster.end({ id }, { id: live.session_id, viewers: [viewer] });
});

test("[OB12] every alert in docs/operations.md exists, and its failure table names most alerts", () => {
  const alerts = readFileSync(new URL("../../deploy/prometheus/alerts.yml", import.meta.url), "utf8");
  const known = new Set([...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name));
  const named = [...page("operations.md").matchAll(/`(Tapedeck[A-Z]\w+)`/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(10);
  for (const name of named) expect(known).toContain(name);
});
