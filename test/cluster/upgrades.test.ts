import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { subprotocol } from "@tapedeck/protocol";
import { afterEach, expect, vi } from "vitest";
import WebSocket from "ws";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { soon } from "../support/soon.js";

const test = testOnCluster(() => ({
  apis: 1,
  gateways: 1,
  tickers: 1,
  env: { gateway: { ALLOWED_ORIGINS: "http://pages.test" } },
}));
const kinds = ["legacy", subprotocol] as const;
const sockets: WebSocket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.on("error", () => {}).terminate();
});

function gatewayOf(cluster: TestCluster): URL {
  return new URL(cluster.gateways[0]?.url ?? "");
}

function socketOn(cluster: TestCluster, path: string, kind: (typeof kinds)[number], headers = {}): WebSocket {
  const socket = new WebSocket(`ws://${gatewayOf(cluster).host}${path}`, kind === "legacy" ? [] : [kind], { headers });
  sockets.push(socket);
  return socket;
}

/** Opens a socket and waits for the first message; rejects where the server ends it before. */
async function open(cluster: TestCluster, path: string, kind: (typeof kinds)[number]): Promise<WebSocket> {
  const socket = socketOn(cluster, path, kind);
  await new Promise((resolve, reject) => {
    socket.once("message", resolve);
    socket.once("close", (code) => reject(new Error(`${kind} ${path} was closed with ${code} before any message`)));
    socket.once("error", reject);
  });
  return socket;
}

/** The code that a socket is closed with, or the status of an upgrade that is refused. */
function refusal(cluster: TestCluster, path: string, headers = {}): Promise<number> {
  const socket = socketOn(cluster, path, subprotocol, headers);
  return new Promise((resolve, reject) => {
    socket.once("close", resolve);
    socket.once("unexpected-response", (_, { statusCode = 0 }) => resolve(statusCode));
    socket.once("error", reject);
  });
}

async function close(socket: WebSocket): Promise<void> {
  socket.close();
  await once(socket, "close");
}

async function untilAlone(cluster: TestCluster): Promise<void> {
  await cluster.until(async () => {
    const numbers = await (await fetch(new URL("/metrics", gatewayOf(cluster)))).text();
    return /^tapedeck_gateway_sockets\{.*\} 0$/m.test(numbers);
  }, "the last socket to be closed");
}

async function dial(cluster: TestCluster): Promise<Socket> {
  const { hostname, port } = gatewayOf(cluster);
  const connection = connect(Number(port), hostname);
  await once(connection, "connect");
  return connection;
}

function upgradeRequest(path: string, connection: string): string {
  const headers = ["Host: localhost", `Connection: ${connection}`, "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  return [`GET ${path} HTTP/1.1`, ...headers, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""].join("\r\n");
}

/** The status of what the server answers. */
async function status(connection: Socket): Promise<number> {
  const [bytes]: Buffer[] = await once(connection, "data");
  return Number(/^HTTP\/1.1 (\d+)/.exec(bytes?.toString("latin1") ?? "")?.[1]);
}

/** What uWebSockets.js itself has printed. */
async function warnings(cluster: TestCluster, gateway: string): Promise<string[]> {
  return (await cluster.log(gateway)).split("\n").filter((line) => line.includes("uWS") || line.startsWith("Error"));
}

test("[G84] no upgrade makes the server print a warning, and no new socket is closed", async ({ cluster }) => {
  for (let nth = 0; nth < 20; nth++) {
    for (const kind of kinds) {
      await close(await open(cluster, `/ws/alone-${nth % 4}`, kind));
      await untilAlone(cluster);
    }
  }
  expect(await refusal(cluster, "/elsewhere")).toBe(404);
  await untilAlone(cluster);
  expect(await refusal(cluster, "/ws/none?create=false")).toBe(4404);
  expect(await refusal(cluster, "/ws/a%20b")).toBe(4400);
  expect(await refusal(cluster, "/ws/a", { origin: "http://elsewhere.test" })).toBe(1008);
  for (let nth = 0; nth < 20; nth++) {
    const connection = await dial(cluster);
    connection.write(upgradeRequest(`/ws/left-${nth}`, "Upgrade"));
    if (nth % 2 === 0) await fetch(new URL("/health/live", gatewayOf(cluster)));
    connection.destroy();
  }
  const together = await Promise.all(
    Array.from({ length: 60 }, (_, nth) => open(cluster, `/ws/together-${nth % 10}`, nth % 3 ? "legacy" : subprotocol)),
  );
  await Promise.all(together.map(close));
  await untilAlone(cluster);
  expect(await warnings(cluster, "gateway-1")).toEqual([]);
});

test("[G84] an upgrade on a connection from before a shutdown is answered without a warning", async ({ cluster }) => {
  const gateway = await cluster.add("gateway", { UNREADY_MS: "100", DRAIN_MS: "10000" });
  await vi.waitFor(async () => expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200), soon);
  const { host, hostname, port } = new URL(gateway.url);
  const kept = connect(Number(port), hostname);
  await once(kept, "connect");
  kept.write("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await status(kept)).toBe(200);
  const held = await Promise.all(
    Array.from({ length: 150 }, async () => {
      const socket = new WebSocket(`ws://${host}/ws/held`, [subprotocol]);
      await once(socket, "message");
      return socket;
    }),
  );
  const closes = held.map((socket) => once(socket, "close"));
  cluster.signal(gateway, "SIGTERM");
  await Promise.race(closes); // it listens no more now, and the other sockets have their turns within 1.5 s
  kept.write(upgradeRequest("/ws/late", "Upgrade"));
  expect(await status(kept)).toBe(101);
  await Promise.all(closes);
  await cluster.ended(gateway);
  expect(await warnings(cluster, gateway.name)).toEqual([]);
});

test("[G85] a request with Connection: close is refused as an upgrade, and the gateway serves on", async ({
  cluster,
}) => {
  const before = cluster.gateways[0]?.pid;
  const viewer = await open(cluster, "/ws/unharmed", subprotocol);
  for (const words of ["close", "keep-alive"]) {
    for (let nth = 0; nth < 5; nth++) {
      const connection = await dial(cluster);
      const request = upgradeRequest(`/ws/closing-${nth}`, words);
      connection.write(request.slice(0, 60)); // the server keeps the first part until it has both
      await fetch(new URL("/health/live", gatewayOf(cluster)));
      connection.write(request.slice(60));
      expect(await status(connection)).toBe(400);
      connection.destroy();
    }
  }
  viewer.send(JSON.stringify({ type: "ping" }));
  await new Promise<void>((resolve) => viewer.on("message", (data) => data.toString().includes('"pong"') && resolve()));
  expect(cluster.gateways[0]?.pid).toBe(before);
});
