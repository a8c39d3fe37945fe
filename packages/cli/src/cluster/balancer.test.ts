import { Agent, createServer, request, type Server } from "node:http";
import { connect } from "node:net";
import { RequestGuard } from "@tapedeck/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { Balancer } from "./balancer.js";

const guard = new RequestGuard({ HOST: "127.0.0.1", ALLOWED_HOSTS: [], ALLOWED_ORIGINS: [] });
const undo: (() => unknown)[] = [];
let balancer: Balancer;
let port: number;
/** What the apis have answered. */
let requests: string[];

beforeEach(async () => {
  requests = [];
  balancer = new Balancer(guard);
  port = await listen(balancer.server);
  undo.push(() => balancer.stop());
});

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  undo.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the server has no port");
  return address.port;
}

/** A service that answers with its name, the forwarded address and the body's length. */
async function api(name: string): Promise<string> {
  const server = createServer((asked, answer) => {
    let length = 0;
    asked.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    asked.on("end", () => {
      if (asked.url === "/break" || asked.url === `/break-${name}`) return void asked.socket.destroy();
      if (asked.url === `/cut-${name}`) {
        answer.writeHead(200, { "content-length": 100 }).write("begun");
        return void setTimeout(() => asked.socket.destroy(), 20);
      }
      if (asked.url !== "/health/ready") requests.push(`${asked.method} ${asked.url} ${name}`);
      answer.end(JSON.stringify({ name, for: asked.headers["x-forwarded-for"], length }));
    });
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

async function gateway(name: string): Promise<{ url: string; server: Server; sockets: WebSocketServer }> {
  const server = createServer((_asked, answer) => void answer.end());
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.send(name);
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, server, sockets };
}

/** A port where nothing listens any more. */
async function dead(): Promise<string> {
  const server = createServer();
  const closed = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${closed}`;
}

const anyAnswer = z.looseObject({ name: z.string().optional(), for: z.string().optional() });

async function ask(path = "/", init: RequestInit = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return { status: answer.status, headers: answer.headers, body: anyAnswer.parse(await answer.json()) };
}

function open(path = "/ws"): Promise<{ socket: WebSocket; first: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    undo.push(() => socket.terminate());
    socket.once("message", (data) => resolve({ socket, first: String(data) }));
    socket.once("error", reject);
  });
}

/** What comes back for these bytes until the connection ends. */
function say(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    connect(port, "127.0.0.1")
      .on("data", (chunk) => {
        text += chunk.toString();
      })
      .on("close", () => resolve(text))
      .on("error", reject)
      .end(bytes);
  });
}

describe("requests", () => {
  test("[U1] each goes to the next api, whatever the client", async () => {
    balancer.use({ apis: [await api("a"), await api("b")], gateways: [] });
    const names = [];
    for (let i = 0; i < 4; i++) names.push((await ask()).body.name);
    expect(names).toEqual(["a", "b", "a", "b"]);
  });

  test("[U1] a connection that stays open does not stick to a service", async () => {
    balancer.use({ apis: [await api("a"), await api("b")], gateways: [] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    undo.push(() => agent.destroy());
    const once = () =>
      new Promise<string>((resolve, reject) => {
        request({ port, agent }, (answer) => {
          let text = "";
          answer.on("data", (chunk: Buffer) => {
            text += chunk.toString();
          });
          answer.on("end", () => resolve(anyAnswer.parse(JSON.parse(text)).name ?? ""));
        })
          .on("error", reject)
          .end();
      });
    expect([await once(), await once(), await once()]).toEqual(["a", "b", "a"]);
  });

  test("[U2] an api that accepts no connection is skipped, and the body still arrives", async () => {
    balancer.use({ apis: [await dead(), await api("b")], gateways: [] });
    for (let i = 0; i < 3; i++) {
      const { body } = await ask("/", { method: "POST", body: "x".repeat(100_000) });
      expect(body).toMatchObject({ name: "b", length: 100_000 });
    }
  });

  test("[U2] with no api left the response is 503, JSON, with Retry-After", async () => {
    balancer.use({ apis: [await dead()], gateways: [] });
    const { status, headers, body } = await ask();
    expect(status).toBe(503);
    expect(headers.get("retry-after")).toBe("1");
    expect(body).toMatchObject({ status: "error", code: "UNAVAILABLE" });
  });

  test("[U2] an api that dies during a request makes it a 502", async () => {
    balancer.use({ apis: [await api("a")], gateways: [] });
    expect((await ask("/break", { method: "POST", body: "{}" })).status).toBe(502);
  });

  test("[U45] a GET or HEAD that an api does not respond to is repeated once, on another api, as the client sent it", async () => {
    balancer.use({ apis: [await api("a"), await api("b")], gateways: [] });
    const { status, body } = await ask("/break-a");
    expect([status, body]).toEqual([200, { name: "b", for: "127.0.0.1", length: 0 }]);
    expect(requests).toEqual(["GET /break-a b"]);
    expect((await fetch(`http://127.0.0.1:${port}/break-b`, { method: "HEAD" })).status).toBe(200);
    expect(requests.at(-1)).toBe("HEAD /break-b a");
    expect((await ask("/break")).status).toBe(502); // by both
  });

  test("[U45] with no other api it is a 502; so is a POST, which may have had its effect", async () => {
    balancer.use({ apis: [await api("a"), await dead()], gateways: [] });
    expect((await ask("/break-a")).status).toBe(502);
    balancer.use({ apis: [await api("a"), await api("b")], gateways: [] });
    const posts = [1, 2].map(() => ask("/break-a", { method: "POST", body: "{}" }));
    expect((await Promise.all(posts)).map(({ status }) => status).sort()).toEqual([200, 502]);
    expect(requests).toEqual(["POST /break-a b"]);
  });

  test("[U45] a response that has begun is not repeated: its connection ends", async () => {
    balancer.use({ apis: [await api("a"), await api("b")], gateways: [] });
    const response = await fetch(`http://127.0.0.1:${port}/cut-a`);
    await expect(response.text()).rejects.toThrow();
    expect(requests).toEqual([]);
  });

  test("[U2] an invalid request, or one with too long a head, is refused in JSON", async () => {
    for (const [head, status] of [
      ["nonsense", 400],
      [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}`, 431],
    ] as const) {
      const answer = await say(`${head}\r\n\r\n`);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*"code":"MALFORMED"`));
    }
  });

  test("[U14] a request that offers to upgrade to another protocol is served without the upgrade", async () => {
    balancer.use({ apis: [await api("a")], gateways: [] });
    const body = "x".repeat(100_000);
    const raw = connect(port, "127.0.0.1");
    undo.push(() => raw.destroy());
    let answer = "";
    raw.on("data", (data) => {
      answer += String(data);
    });
    raw.write(
      "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    );
    raw.write(`X-Forwarded-For: 198.51.100.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await new Promise((resolve) => raw.once("close", resolve));
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*{"name":"a","for":"127.0.0.1","length":100000}/);
  });

  test("[U3] X-Forwarded-For contains the client's address, and nothing that the client wrote", async () => {
    balancer.use({ apis: [await api("a")], gateways: [] });
    expect((await ask()).body.for).toBe("127.0.0.1");
    expect((await ask("/", { headers: { "x-forwarded-for": "198.51.100.1" } })).body.for).toBe("127.0.0.1");
  });
});

const websocketHeaders = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n";

describe("sockets", () => {
  test("[U1] each goes to the next gateway, and carries text and binary messages both ways", async () => {
    balancer.use({ apis: [], gateways: [(await gateway("a")).url, (await gateway("b")).url] });
    const opened = [await open(), await open(), await open()];
    expect(opened.map(({ first }) => first)).toEqual(["a", "b", "a"]);
    const socket = opened[0]?.socket;
    const echo = new Promise((resolve) => socket?.once("message", (data) => resolve(String(data))));
    socket?.send("hello");
    expect(await echo).toBe("hello");
  });

  test("[TM13] those of replays go to the apis", async () => {
    balancer.use({ apis: [(await gateway("api")).url], gateways: [(await gateway("gateway")).url] });
    expect((await open("/tardis/ws-replay-normalized?options=[]")).first).toBe("api");
    expect((await open("/ws/tardis")).first).toBe("gateway");
  });

  test("[U2] a gateway that accepts no connection is skipped", async () => {
    balancer.use({ apis: [], gateways: [await dead(), (await gateway("b")).url] });
    expect((await open()).first).toBe("b");
    expect((await open()).first).toBe("b");
  });

  test("[U2] with no gateway left the upgrade is refused with 503", async () => {
    balancer.use({ apis: [], gateways: [] });
    await expect(open()).rejects.toThrow(/503/);
  });

  test("[U2] a gateway's close code reaches the client, and its death ends the socket", async () => {
    const { url, sockets } = await gateway("a");
    balancer.use({ apis: [], gateways: [url] });
    const first = await open();
    const second = await open();
    const codes = [first, second].map(({ socket }) => new Promise((resolve) => socket.once("close", resolve)));
    const [one, two] = [...sockets.clients];
    one?.close(1012, "restarting");
    two?.terminate();
    expect(await Promise.all(codes)).toEqual([1012, 1006]);
  });

  test("[U2] a client that disconnects does not affect the others", async () => {
    const { url, sockets } = await gateway("a");
    balancer.use({ apis: [], gateways: [url] });
    const stays = (await open()).socket;
    const raw = connect(port, "127.0.0.1");
    raw.write(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${websocketHeaders}\r\n`,
    );
    await new Promise((resolve) => raw.once("data", resolve));
    const gone = new Promise((resolve) => [...sockets.clients].at(-1)?.once("close", resolve));
    raw.resetAndDestroy();
    await gone;
    const echo = new Promise((resolve) => stays.once("message", (data) => resolve(String(data))));
    stays.send("hello");
    expect(await echo).toBe("hello");
  });
});

test("[AC23] another site's name that resolves to this machine is refused, for requests and upgrades", async () => {
  balancer.use({ apis: [await api("a")], gateways: [(await gateway("b")).url] });
  const refused =
    /^HTTP\/1\.1 421 Misdirected Request[\s\S]*"code":"HOST_NOT_ALLOWED","message":"Host .*attacker\.test/;
  expect(await say("GET / HTTP/1.1\r\nHost: attacker.test\r\nConnection: close\r\n\r\n")).toMatch(refused);
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\n${websocketHeaders}`;
  expect(await say(`GET /ws HTTP/1.1\r\nHost: attacker.test:8000\r\n${upgrade}\r\n`)).toMatch(refused);
});

test("[U41] a client that disconnects during its upgrade leaves nothing on the gateway", async () => {
  const server = createServer();
  const held = new Set<object>();
  let asked = 0;
  server.on("upgrade", (_request, socket) => {
    asked++;
    held.add(socket);
    socket.on("error", () => {}).once("close", () => held.delete(socket));
    const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    socket.resume().on("end", () => socket.end());
    setTimeout(() => socket.write(answer), 50);
  });
  balancer.use({ apis: [], gateways: [`http://127.0.0.1:${await listen(server)}`] });
  const clients = Array.from({ length: 20 }, () => connect(port, "127.0.0.1"));
  for (const client of clients) {
    client.on("error", () => {});
    client.write(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${websocketHeaders}\r\n`,
    );
  }
  await expect.poll(() => asked).toBe(20);
  for (const client of clients) client.resetAndDestroy();
  await expect.poll(() => held.size).toBe(0);
});

test("[R30] the balancer fully closes a refused client's connection, even if the client keeps its half open", async () => {
  const hasty = new Balancer(guard, { limits: { headMs: 300, requestMs: 600, idleMs: 60_000 } });
  const at = await listen(hasty.server);
  const held = () => new Promise((resolve) => hasty.server.getConnections((_error, count) => resolve(count)));
  const clients = ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "].map((bytes) => {
    const client = connect({ port: at, host: "127.0.0.1", allowHalfOpen: true });
    client
      .on("error", () => {})
      .resume()
      .write(bytes);
    undo.push(() => client.destroy());
    return client;
  });
  await Promise.all(clients.map((client) => new Promise((resolve) => client.once("end", resolve))));
  await expect.poll(held).toBe(0);
});
