import { spawn } from "node:child_process";
import { expect, inject } from "vitest";
import { z } from "zod";
import { programOf } from "../support/built.js";
import { type TestCluster, test } from "../support/cluster.js";

const main = programOf("tapedeck");

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function tapedeck(cluster: TestCluster, ...args: string[]): Promise<Ran> {
  const env = {
    ...process.env,
    TAPEDECK_URL: cluster.url,
    REDIS_URL: inject("redisUrl"),
    TAPEDECK_PREFIX: cluster.prefix,
    TAPEDECK_STORE: cluster.tapes.folder,
  };
  const child = spawn(process.execPath, [main, ...args], { env });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once("exit", (code) => resolve({ code, stdout, stderr })));
}

test("[CM1] lists, shows, watches and deletes sessions", async ({ cluster }) => {
  const { id } = await cluster.watched({ speed: 2 });
  const list = await tapedeck(cluster, "sessions", "list", "--state", "PLAYING");
  expect(list.stdout).toMatch(/^ID +MODE +STATE +SPEED +TAPE +AT +SOCKETS +CREATED\n/);
  expect(list.stdout).toContain(`${id}  REPLAY  PLAYING      2  usdm@1`);
  const json = z.array(z.looseObject({ session_id: z.string() }));
  const listed = json.parse(JSON.parse((await tapedeck(cluster, "sessions", "--json")).stdout));
  expect(listed.map(({ session_id }) => session_id)).toContain(id);

  expect((await tapedeck(cluster, "sessions", "show", id)).stdout).toMatch(/^speed +2$/m);
  const watched = await tapedeck(cluster, "sessions", "watch", id, "--frames", "5", "--json");
  const frames = watched.stdout
    .trim()
    .split("\n")
    .map((line) => z.looseObject({ seq: z.int() }).parse(JSON.parse(line)));
  expect(frames).toHaveLength(5);

  expect(await tapedeck(cluster, "sessions", "delete", id)).toMatchObject({
    code: 0,
    stdout: `Deleted session ${id}.\n`,
  });
  expect(await tapedeck(cluster, "sessions", "show", id)).toMatchObject({
    code: 1,
    stderr: `Session ${id} does not exist, has expired, or is not yours.\n`,
  });
});

test("[CM2] top shows every node with its load", async ({ cluster }) => {
  const { id, viewers } = await cluster.watched({ speed: 5 });
  await expect
    .poll(async () => (await tapedeck(cluster, "top", "--once")).stdout, { timeout: 30_000, interval: 1_000 })
    .toMatch(/gateway-1-\S+ +gateway +0\.1\.0 +[1-9]\d* sockets/);
  const { stdout } = await tapedeck(cluster, "top", "--once");
  expect(stdout).toMatch(/^\d+ sessions: \d+ playing/);
  for (const role of ["gateway", "api", "ticker"]) expect(stdout.split(`  ${role} `).length).toBeGreaterThan(2);
  await cluster.end({ id, viewers });
});

test("[CM3] doctor finds no problem in a healthy cluster", async ({ cluster }) => {
  const { stdout } = await tapedeck(cluster, "doctor", "--json");
  const findings = z
    .array(z.looseObject({ level: z.string(), check: z.string(), what: z.string() }))
    .parse(JSON.parse(stdout));
  expect(findings.filter(({ level }) => level === "fail")).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(["eviction", "queues", "upkeep", "uWebSockets.js"]),
  );
});

test("[CM4] [CM5] [CM6] invalid arguments exit with 2, and a cluster that does not answer with 1", async ({
  cluster,
}) => {
  const wrong: [code: number, ...args: string[]][] = [
    [2, "sessions", "list", "--limit", "many"],
    [2, "top", "--every", "0"],
    [1, "sessions", "list", "--url", "http://127.0.0.1:1"],
  ];
  for (const [expected, ...args] of wrong) {
    const { code, stderr } = await tapedeck(cluster, ...args);
    expect([args, code, stderr.trim().split("\n").length]).toEqual([args, expected, 1]);
  }
});
