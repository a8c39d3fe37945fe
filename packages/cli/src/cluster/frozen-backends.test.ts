import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestGuard } from "@tapedeck/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { Balancer } from "./balancer.js";

/** A service that names itself in each response and on each socket, and does what its parent tells it. */
const program = `
  import { createServer } from "node:http";
  import { WebSocketServer } from "ws";
  const name = process.argv[1];
  let ready = true;
  const server = createServer((request, response) => {
    if (request.url === "/health/ready") response.writeHead(ready ? 200 : 503).end();
    else if (request.url !== "/never") response.end(JSON.stringify({ name }));
  });
  new WebSocketServer({ server }).on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data) => socket.send(String(data)));
    socket.send(name);
  });
  process.on("message", ({ stallMs = 0, isReady = true }) => {
    ready = isReady;
    const until = performance.now() + stallMs;
    while (performance.now() < until);
  });
  process.on("disconnect", () => process.exit());
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
`;

/** What rules promise after a freeze, and how much longer a machine with other work may take. */
const leftMs = 1_000;
const endedMs = 1_250;
const roomMs = 1_500;

const undo: (() => unknown)[] = [];
let balancer: Balancer;
let port: number;
let told: string[];

beforeEach(async () => {
  told = [];
  balancer = new Balancer(new RequestGuard({ HOST: "127.0.0.1", ALLOWED_HOSTS: [], ALLOWED_ORIGINS: [] }), {
    tell: (sentence) => told.push(sentence),
  });
  const { server } = balancer;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => {
    balancer.stop();
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the balancer has no port");
  port = address.port;
});

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Service {
  readonly url: string;
  readonly child: ChildProcess;
}

async function service(name: string): Promise<Service> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, name], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  undo.push(() => child.kill("SIGKILL"));
  const [message] = await once(child, "message");
  return { url: `http://127.0.0.1:${z.object({ port: z.number() }).parse(message).port}`, child };
}

async function open(): Promise<{ socket: WebSocket; name: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  undo.push(() => socket.terminate());
  socket.on("error", () => {}); // the balancer resets sockets of a frozen service; each test looks for that itself
  const [first] = await once(socket, "message");
  return { socket, name: String(first) };
}

/** The code with which a socket ends. A reset connection is an error first, which `once` would take for the end. */
async function closeCode(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once("close", resolve));
}

async function ask(path = "/", method = "GET"): Promise<{ status: number; name: string | undefined }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  const { name } = z.looseObject({ name: z.string().optional() }).parse(await response.json());
  return { status: response.status, name };
}

async function echoes(socket: WebSocket): Promise<void> {
  const answer = once(socket, "message");
  socket.send("still here");
  const [text] = await answer;
  expect(String(text)).toBe("still here");
}

/** The names that the next four sockets and requests get. */
async function reached(): Promise<Set<string | undefined>> {
  const sockets = await Promise.all(Array.from({ length: 4 }, open));
  for (const { socket } of sockets) socket.terminate();
  const requests = await Promise.all(Array.from({ length: 4 }, () => ask()));
  return new Set([...sockets, ...requests].map(({ name }) => name));
}

/**
 * Everything new reaches these services. On a machine with much work the running one may be late, too: then the balancer uses any, and
 * resets what it sent to the frozen one when the other answers.
 */
async function expectReached(...names: readonly string[]): Promise<void> {
  await expect.poll(reached).toEqual(new Set(names));
}

test("[U43] [U44] within a second a frozen process gets no new sockets and requests, then its open ones end, and it is used again when it continues", async () => {
  const [a, b] = [await service("a"), await service("b")];
  const urls = [a.url, b.url];
  balancer.use({ apis: urls, gateways: urls });
  const opened = [await open(), await open()];
  const onFrozen = opened.find(({ name }) => name === "a");
  const onOther = opened.find(({ name }) => name === "b");
  if (!onFrozen || !onOther) throw new Error("each of two sockets is on another service");
  // One on each: the other one ends with the test.
  const pending = [ask("/never", "POST"), ask("/never", "POST")].map((asked) => asked.catch(() => undefined));

  const began = performance.now();
  const closed = closeCode(onFrozen.socket).then((code) => ({ code, afterMs: performance.now() - began }));
  a.child.kill("SIGSTOP");
  undo.push(() => a.child.kill("SIGCONT"));
  await expect.poll(() => told.join(), { interval: 5 }).toContain(`${a.url} does not answer`);
  expect(performance.now() - began).toBeLessThan(leftMs + roomMs);
  await expectReached("b");
  const { code, afterMs } = await closed;
  expect(code).toBe(1006);
  expect(afterMs).toBeLessThan(endedMs + roomMs);
  expect(await Promise.race(pending)).toMatchObject({ status: 502 });
  await echoes(onOther.socket);
  await expectReached("b");

  a.child.kill("SIGCONT");
  await expectReached("a", "b");
  expect(told.filter((sentence) => sentence.includes(b.url))).toEqual([]);
});

test("[U45] GETs that a frozen api got are repeated on another one: none fails, and each waits for little more than a second", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [a.url, b.url], gateways: [] });
  expect([await ask(), await ask()].map(({ name }) => name)).toEqual(["a", "b"]);
  a.child.kill("SIGSTOP");
  undo.push(() => a.child.kill("SIGCONT"));
  const began = performance.now();
  const asked = Array.from({ length: 20 }, () => ask());
  expect(new Set((await Promise.all(asked)).map(({ status, name }) => `${status} ${name}`))).toEqual(
    new Set(["200 b"]),
  );
  const waitedMs = performance.now() - began;
  console.log(`20 GETs, half of them to a frozen api: the last response after ${Math.round(waitedMs)} ms`);
  expect(waitedMs).toBeLessThan(endedMs + roomMs);
});

test("[U43] [U44] a process whose event loop stalls is left like a frozen one", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [a.url, b.url], gateways: [a.url, b.url] });
  const { socket } = await open();
  a.child.send({ stallMs: 4_000 });
  expect(await closeCode(socket)).toBe(1006);
  await expectReached("b");
  await expectReached("a", "b");
});

test("[U43] an event loop that is 200 ms late again and again changes nothing", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [a.url, b.url], gateways: [a.url, b.url] });
  const { socket } = await open();
  for (let i = 0; i < 8; i++) {
    a.child.send({ stallMs: 200 });
    await sleep(250);
  }
  await echoes(socket);
  expect(told).toEqual([]);
});

test("[U43] an unready service gets nothing new and keeps its sockets", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [a.url, b.url], gateways: [a.url, b.url] });
  const { socket, name } = await open();
  expect(name).toBe("a");
  a.child.send({ isReady: false });
  await expectReached("b");
  await echoes(socket);
  a.child.send({ isReady: true });
  await expectReached("a", "b");
  await echoes(socket);
  expect(told).toEqual([]);
});

test("[U44] while no other service answers, the sockets of frozen ones stay open, and continue when they do", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [], gateways: [a.url, b.url] });
  const opened = [await open(), await open()];
  for (const { child } of [a, b]) {
    child.kill("SIGSTOP");
    undo.push(() => child.kill("SIGCONT"));
  }
  await expect.poll(() => told.length).toBe(2);
  await sleep(600); // both are frozen by now
  const [onA, onB] = opened;
  if (!onA || !onB) throw new Error("two sockets were opened");
  expect([onA, onB].map(({ socket }) => socket.readyState)).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  const closed = closeCode(onA.socket);
  b.child.kill("SIGCONT");
  await echoes(onB.socket);
  expect(await closed).toBe(1006);
});

test("[U43] [U44] a service that is about to end is left too, if it freezes before its sockets are closed", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [], gateways: [a.url, b.url] });
  const { socket } = await open();
  balancer.use({ apis: [], gateways: [b.url] });
  await echoes(socket);
  a.child.kill("SIGSTOP");
  undo.push(() => a.child.kill("SIGCONT"));
  expect(await closeCode(socket)).toBe(1006);
});

test("[U43] a process that was stopped itself reads the answers that arrived meanwhile before it judges", async () => {
  const [a, b] = [await service("a"), await service("b")];
  balancer.use({ apis: [a.url, b.url], gateways: [a.url, b.url] });
  const { socket } = await open();
  for (let i = 0; i < 4; i++) {
    await sleep(60 * (i + 1)); // at different moments between two checks
    const until = performance.now() + 1_500;
    while (performance.now() < until); // this process stands still, the services do not
  }
  await echoes(socket);
  expect(told).toEqual([]);
});
