import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { UserError } from "../user-error.js";
import { SupervisedProcess } from "./supervised-process.js";

let folder: string;
let supervised: SupervisedProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-supervised-"));
});

afterEach(async () => {
  await supervised?.stop(0);
  supervised = undefined;
  await rm(folder, { recursive: true, force: true });
});

interface Setting {
  restart?: boolean;
  env?: () => NodeJS.ProcessEnv;
}

/** A process that runs `source`; `news` gets what it was when something changed. */
async function supervise(source: string, { restart = true, env = () => ({}) }: Setting = {}) {
  const module = join(folder, "service.mjs");
  await writeFile(module, source);
  const news: string[] = [];
  const messages: string[] = [];
  const process_: SupervisedProcess = new SupervisedProcess({
    name: "thing-1",
    module: pathToFileURL(module),
    env: () => ({ ...process.env, ...env() }),
    logFile: join(folder, "thing-1.log"),
    restart,
    onChange: () => news.push(process_.ready ? `up at ${process_.url}` : "down"),
    tell: (sentence) => messages.push(sentence),
  });
  supervised = process_;
  return { process: process_, news, messages };
}

const serves = `
  setInterval(() => {}, 1000);
  process.on("disconnect", () => process.exit());
  process.send({ type: "ready", url: "http://here/" + (process.env.TURN ?? "") });
`;

test("[U4] a process that dies is restarted with a new environment, and its owner is notified each time", async () => {
  let turn = 0;
  const { process: service, news, messages } = await supervise(serves, { env: () => ({ TURN: String(++turn) }) });
  await service.start();
  const before = service.pid;
  service.child.kill("SIGKILL");
  await vi.waitFor(() => expect(news).toEqual(["up at http://here/1", "down", "up at http://here/2"]), soon);
  expect(service.pid).not.toBe(before);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain("thing-1 ended (SIGKILL)");
});

test("[U13] a process that is asked to end is not ready at once, and is restarted when it has ended", async () => {
  const { process: service, news } = await supervise(`
    process.on("SIGTERM", () => process.send({ type: "leaving" }));
    process.on("SIGUSR2", () => process.exit());
    ${serves}
  `);
  await service.start();
  service.child.kill("SIGTERM");
  await vi.waitFor(() => expect(news).toEqual(["up at http://here/", "down"]), soon);
  service.child.kill("SIGUSR2");
  await vi.waitFor(() => expect(news).toEqual(["up at http://here/", "down", "up at http://here/"]), soon);
});

test("[U4] with restart off a process that dies is not restarted", async () => {
  const { process: service, news, messages } = await supervise(serves, { restart: false });
  await service.start();
  service.child.kill("SIGKILL");
  await vi.waitFor(() => expect(news).toEqual(["up at http://here/", "down"]), soon);
  expect(messages).toEqual([]);
});

test("[U5] a process that ends before it serves fails the start with the end of its log", async () => {
  const { process: service } = await supervise(`console.error("Port 8000 is taken; ..."); process.exit(1);`);
  await expect(service.start()).rejects.toThrow(UserError);
  await expect(service.start()).rejects.toThrow("Port 8000 is taken; ...");
});

test("[U6] a process that does not end in time is killed", async () => {
  const { process: service } = await supervise(`process.on("SIGTERM", () => {}); ${serves}`);
  await service.start();
  const start = performance.now();
  await service.stop(200);
  expect(performance.now() - start).toBeGreaterThan(190);
  expect(service.child.signalCode).toBe("SIGKILL");
});

test("[U6] a process that waits for its restart is not restarted after a stop", async () => {
  const { process: service, messages } = await supervise(serves);
  await service.start();
  service.child.kill("SIGKILL");
  await vi.waitFor(() => expect(messages).toHaveLength(1), soon);
  const { pid } = service;
  await service.stop(1000);
  expect(service.pid).toBe(pid);
  expect(service.ready).toBe(false);
});

test("the output of a process is in its log", async () => {
  const { process: service } = await supervise(`console.log("hello"); console.error("oh"); ${serves}`);
  await service.start();
  await vi.waitFor(async () => expect(await readFile(join(folder, "thing-1.log"), "utf8")).toBe("hello\noh\n"), soon);
});

test.skipIf(process.platform !== "linux")("[U6] what a killed process had started itself goes with it", async () => {
  const { process: service } = await supervise(
    `import { spawn } from "node:child_process";
     console.log(spawn("sleep", ["60"]).pid);
     ${serves}`,
    { restart: false },
  );
  await service.start();
  const sleeper = Number(await readFile(join(folder, "thing-1.log"), "utf8"));
  expect(isAlive(sleeper)).toBe(true);
  service.child.kill("SIGKILL");
  await vi.waitFor(() => expect(isAlive(sleeper)).toBe(false), soon);
});

/** Read from /proc, because a zombie also counts as gone. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
