import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ClusterSnapshot } from "@tapedeck/cli";
import type { SessionView } from "@tapedeck/protocol";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Http } from "./support/http.js";
import { untilNoProcessHas } from "./support/left-processes.js";
import { hasTerminals, Terminal } from "./support/terminal.js";
import { Viewer } from "./support/viewer.js";

// `npm start` as a person runs it: npm, in a terminal, ended by its keys.
const root = fileURLToPath(new URL("..", import.meta.url));

const ownRedis = spawnSync("redis-server", ["--version"]).status === 0;
const possible = hasTerminals && ownRedis;
if (!possible) console.warn("SKIPPED: npm start in a terminal needs Linux, util-linux's script and redis-server");

// It compiles, makes a page and starts a cluster, up to twice a test.
vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let terminals: Terminal[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-npm-start-"));
  terminals = [];
});
afterEach(async () => {
  for (const terminal of terminals) terminal.close();
  await untilNoProcessHas(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

const env = () => ({
  ...process.env,
  REDIS_URL: "",
  TAPEDECK_FOLDER: folder,
  PORT: "0",
  TAPEDECK_GATEWAYS: "1",
  TAPEDECK_APIS: "1",
  TAPEDECK_TICKERS: "1",
  SIMULATION_WARM_UP: "off",
});

const npmStart = "npm start";
/** What npm start comes to, without the time that compiling takes. */
const up = "node dist/tapedeck.js up";

function inTerminal(command: string): Terminal {
  const terminal = new Terminal(command, { cwd: root, env: env() });
  terminals.push(terminal);
  return terminal;
}

const serving = "Ctrl-C stops everything";

async function started(command: string): Promise<{ terminal: Terminal; cluster: ClusterSnapshot; http: Http }> {
  const terminal = inTerminal(command);
  await terminal.prints(serving);
  const cluster = await snapshot();
  return { terminal, cluster, http: new Http([cluster.url]) };
}

async function snapshot(): Promise<ClusterSnapshot> {
  return JSON.parse(await readFile(join(folder, "cluster.json"), "utf8"));
}

/** What a person sees who has ended it: no complaint of npm, no stack, no cluster.json, no process. */
async function endedTidily(terminal: Terminal): Promise<void> {
  expect(terminal.said).not.toMatch(/npm (error|ERR!)|\n\s+at /i);
  await expect(snapshot()).rejects.toThrow("ENOENT");
  await untilNoProcessHas(folder);
}

/** A tape of fifty minutes, so that a session still plays when the cluster is back. */
const makeTape = () =>
  writeTestTape(new FolderTapeStore(join(folder, "tapes")), { id: "long", frames: 3000, intervalMs: 1000 });

const watch = (cluster: ClusterSnapshot, sessionId: string) =>
  Viewer.watch({ gateways: cluster.gateways.map(({ url }) => url), sessionId });

/** A session that plays from a place of its own. */
async function playing(http: Http): Promise<SessionView> {
  const { session_id: id } = await http.create({ tape: "long" });
  await http.control(id, "seek", { seq: 1000 });
  await http.control(id, "start");
  return await http.session(id);
}

/** Whether a session goes on where it was: in the same run of the same tape, no further than time has passed. */
function expectToGoOn(now: SessionView, before: SessionView, seconds: number): void {
  expect(now).toMatchObject({ state: "PLAYING", tape: before.tape, epoch: before.epoch });
  const passed = Number(now.controller_state.cursor_seq) - Number(before.controller_state.cursor_seq);
  expect(passed).toBeGreaterThanOrEqual(0);
  expect(passed).toBeLessThanOrEqual(seconds + 1);
}

/** Ends a cluster where a session plays, and expects the next start to go on with it. */
async function expectToKeepSession(
  command: string,
  end: (terminal: Terminal, cluster: ClusterSnapshot) => Promise<void>,
): Promise<void> {
  await makeTape();
  const first = await started(command);
  const before = await playing(first.http);
  const from = performance.now();
  await end(first.terminal, first.cluster);
  const { http, cluster } = await started(up);
  const now = await http.session(before.session_id);
  expectToGoOn(now, before, (performance.now() - from) / 1000);
  const viewer = await watch(cluster, before.session_id);
  await viewer.next(2);
  await viewer.close();
}

test.skipIf(!possible)(
  "[U15] Ctrl-C ends npm start in order, and the next start continues a playing session, a live tape and a position on it",
  async () => {
    await makeTape();
    const first = await started(npmStart);
    const replay = await playing(first.http);
    const from = performance.now();
    const [edge, behind] = await Promise.all(["edge", "behind"].map((id) => watch(first.cluster, id)));
    if (!edge || !behind) throw new Error("unreachable");
    for (const id of ["edge", "behind"]) {
      expect((await first.http.call("POST", `/mode/${id}`, { mode: "LIVE", source: "SIM" })).status).toBe(200);
    }
    for (const viewer of [edge, behind]) {
      await viewer.until(
        () => viewer.live.filter(({ epoch }) => epoch === viewer.session?.epoch).length > 20,
        "a feed",
      );
    }
    await first.http.control("behind", "pause");
    const paused = await first.http.session("behind");
    const seen = edge.lastSeq;
    first.terminal.pressCtrlC();
    expect(await first.terminal.ended()).toBe(0);
    expect(first.terminal.said).toContain("- Stopping");
    await endedTidily(first.terminal);
    await Promise.all([edge.close(), behind.close()]);

    const { http, cluster, terminal } = await started(npmStart);
    expectToGoOn(await http.session(replay.session_id), replay, (performance.now() - from) / 1000);
    const stillPaused = await http.session("behind");
    expect(stillPaused).toMatchObject({ mode: "LIVE", state: "PAUSED", tape: paused.tape, epoch: paused.epoch });
    expect(stillPaused.controller_state.cursor_seq).toBe(paused.controller_state.cursor_seq);
    const again = await watch(cluster, "edge");
    await again.until(() => again.lastSeq > seen + 5, "the live tape to grow");
    expect(again.session).toMatchObject({ mode: "LIVE", state: "PLAYING", tape: paused.tape });
    const behindAgain = await watch(cluster, "behind");
    await http.control("behind", "resume");
    await behindAgain.until(() => behindAgain.live.length > 5, "the rest of the live tape");
    expect(behindAgain.live[0]?.seq).toBe(Number(paused.controller_state.cursor_seq) + 1);
    await Promise.all([again.close(), behindAgain.close()]);

    terminal.pressCtrlC(3);
    expect(await terminal.ended()).toBe(0);
    await endedTidily(terminal);
  },
);

test.skipIf(!possible)(
  "[U15] a second Ctrl-C after more than a second forces the end, and Redis is saved all the same",
  () =>
    expectToKeepSession(npmStart, async (terminal, cluster) => {
      // A gateway that does not answer keeps the orderly end waiting for eight seconds.
      for (const { pid } of cluster.gateways) process.kill(pid, "SIGSTOP");
      terminal.pressCtrlC();
      await terminal.prints("- Stopping");
      await sleep(1100); // the rule itself: what comes within a second is the same request
      expect(terminal.said).not.toContain("at once; Redis");
      terminal.pressCtrlC();
      await terminal.prints("- Killing the services");
      expect(await terminal.ended()).toBe(130);
      await endedTidily(terminal);
    }),
);

test.skipIf(!possible)("[U15] a terminal that is closed ends everything in order and keeps the sessions", () =>
  expectToKeepSession(npmStart, async (terminal) => {
    terminal.close();
    await untilNoProcessHas(folder);
    await expect(snapshot()).rejects.toThrow("ENOENT");
  }),
);

test.skipIf(!possible)(
  "[U7] [U16] after its supervisor is killed, a cluster continues its sessions at the next start",
  () =>
    expectToKeepSession(up, async (_, cluster) => {
      process.kill(cluster.pid, "SIGKILL");
    }),
);

test.skipIf(!possible)("[U15] SIGTERM to npm's whole process group, as of timeout, ends it in order", async () => {
  const npm: ChildProcess = spawn("npm", ["start"], {
    cwd: root,
    env: env(),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [npm.stdout, npm.stderr]) stream?.on("data", (chunk: Buffer) => (said += chunk));
  await expect.poll(() => said, { timeout: 90_000 }).toContain(serving);
  const exit = once(npm, "exit");
  // What timeout sends and what npm passes on arrive as two, or as one where this process had no time in between.
  for (let n = 0; n < 3; n++) {
    process.kill(-(npm.pid ?? 0), "SIGTERM");
    await sleep(30);
  }
  expect(await exit).toEqual([0, null]);
  expect(said).not.toMatch(/npm (error|ERR!)/i);
  await expect(snapshot()).rejects.toThrow("ENOENT");
  await untilNoProcessHas(folder);
});

test.skipIf(!possible).each([
  ["compiles", "- Compiling"],
  ["starts Redis", "- Starting Redis"],
  ["makes the demo tape", "The store has no tape yet"],
  ["starts its services", "- Starting the services"],
])("[U15] Ctrl-C while npm start %s leaves nothing, and npm reports no error", async (_, moment) => {
  if (moment === "- Starting the services") await makeTape();
  const terminal = inTerminal(npmStart);
  await terminal.prints(moment);
  terminal.pressCtrlC();
  expect([0, 130]).toContain(await terminal.ended());
  await endedTidily(terminal);
});
