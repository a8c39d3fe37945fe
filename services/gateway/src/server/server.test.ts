import { once } from "node:events";
import { connect as connectTo } from "node:net";
import { createLogger } from "@tapedeck/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { chooseServer } from "./choose-server.js";
import {
  ListenError,
  type ServerOptions,
  type Socket,
  type SocketEvents,
  type SocketServer,
  type StartServer,
  type Upgrade,
} from "./server.js";
import { startWsServer } from "./ws-server.js";

const log = createLogger({ service: "gateway", node: "test", level: "silent" });
const servers: [name: string, startServer: StartServer][] = [
  ["uWebSockets.js", chooseServer({ production: false, allowSlow: true, log })],
  ["ws", startWsServer],
];

const defaults: ServerOptions = {
  host: "127.0.0.1",
  port: 0,
  maxMessageBytes: 1000,
  maxBackpressure: 1_000_000,
  idleTimeoutS: 8,
  request: () => ({ status: 404, headers: {}, body: "" }),
  upgrade: (upgrade) => upgrade.accept(recorder(), {}),
};

describe.each(servers)("[G81] by %s", (_, startServer) => {
  let server: SocketServer | undefined;
  const clients: WebSocket[] = [];
  afterEach(() => {
    server?.close();
    for (const client of clients.splice(0)) client.on("error", () => {}).terminate();
  });

  async function serve(options: Partial<ServerOptions>): Promise<string> {
    server = await startServer({ ...defaults, ...options });
    return `127.0.0.1:${server.port}`;
  }

  function connect(address: string, ...options: ConstructorParameters<typeof WebSocket>[1][]): WebSocket {
    const client = new WebSocket(`ws://${address}/ws/a?b=c`, options[0]);
    clients.push(client);
    return client;
  }

  test("requests are answered with status, headers and body, now or later", async () => {
    const address = await serve({
      request: async ({ method, path, query, remoteAddress, header }) => ({
        status: 418,
        headers: { "X-Kind": "teapot" },
        body: [method, path, query, remoteAddress, header("user-agent"), header("cookie")].join(" "),
      }),
    });
    const answer = await fetch(`http://${address}/pot?full=1`, { headers: { "User-Agent": "tester" } });
    expect([answer.status, answer.headers.get("x-kind")]).toEqual([418, "teapot"]);
    expect(await answer.text()).toBe("GET /pot full=1 127.0.0.1 tester ");
  });

  test("[R32] several X-Forwarded-For lines are read as one, in their order", async () => {
    const seen: (string | undefined)[] = [];
    const address = await serve({
      request: ({ header }) => {
        seen.push(header("x-forwarded-for"));
        return { status: 200, headers: {}, body: "" };
      },
      upgrade: (upgrade) => {
        seen.push(upgrade.header("x-forwarded-for"));
        upgrade.refuse({ status: 503, headers: {}, body: "" });
      },
    });
    // HAProxy adds its own line below the client's.
    const lines = "Host: x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Kind: a\r\nX-Forwarded-For: 198.51.100.1, 10.0.0.1\r\n";
    const upgrading =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n";
    expect(await say(address, `GET / HTTP/1.1\r\nConnection: close\r\n${lines}\r\n`)).toMatch(/^HTTP\/1.1 200/);
    expect(await say(address, `GET /ws HTTP/1.1\r\n${upgrading}${lines}\r\n`)).toMatch(/^HTTP\/1.1 503/);
    expect(seen).toEqual(Array(2).fill("6.6.6.6, 198.51.100.1, 10.0.0.1"));
  });

  test.each([
    ["both a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"],
    ["two lengths", "Content-Length: 5\r\nContent-Length: 43\r\n"],
  ])("[G98] a request with %s is not answered, nor is a request inside its body", async (_, framing) => {
    const asked: string[] = [];
    const address = await serve({
      request: ({ path }) => {
        asked.push(path);
        return { status: 200, headers: {}, body: "ok" };
      },
    });
    const client = connectTo({ port: Number(address.split(":")[1]), host: "127.0.0.1" });
    client.write(
      `POST /a HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    client.setTimeout(1_000, () => client.destroy());
    await client.toArray().catch(() => {});
    expect(asked).toEqual([]);
  });

  test("[G99] a connection that brings a request before the response to its last one is closed", async () => {
    const asked: string[] = [];
    const address = await serve({
      request: ({ path }) => {
        asked.push(path);
        return { status: 200, headers: {}, body: "ok" };
      },
    });
    const client = connectTo({ port: Number(address.split(":")[1]), host: "127.0.0.1" });
    client.write("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200));
    expect(await client.toArray().catch(() => [])).toEqual([]);
    expect(asked).toEqual(["/a"]);
  });

  test("requests that each follow the response to the last one share a connection", async () => {
    const address = await serve({ request: ({ path }) => ({ status: 200, headers: {}, body: path }) });
    const client = connectTo({ port: Number(address.split(":")[1]), host: "127.0.0.1" });
    for (const path of ["/a", "/b", "/c"]) {
      client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      const received = async () => String((await once(client, "data"))[0]);
      for (let text = ""; !text.includes(path); ) text += await received();
    }
    client.destroy();
  });

  test("an upgrade can be accepted later, with a subprotocol and headers", async () => {
    const events = recorder();
    const address = await serve({
      upgrade: (upgrade) => {
        expect([upgrade.path, upgrade.query, upgrade.header("sec-websocket-protocol")]).toEqual([
          "/ws/a",
          "b=c",
          "x,y",
        ]);
        setImmediate(() => upgrade.accept(events, { protocol: "y", headers: { "Set-Cookie": "k=v" } }));
      },
    });
    const client = connect(address, ["x", "y"]);
    const cookie = new Promise((resolve) =>
      client.once("upgrade", (response) => resolve(response.headers["set-cookie"])),
    );
    await opened(client);
    expect([client.protocol, await cookie]).toEqual(["y", ["k=v"]]);
    const message = new Promise((resolve) =>
      client.once("message", (data, binary) => resolve([data.toString(), binary])),
    );
    events.socket?.send(Buffer.from("hello").subarray(1));
    expect(await message).toEqual(["ello", false]);
    client.send("up");
    await expect.poll(() => events.received).toEqual(["up"]);
    events.socket?.end(4404, "gone");
    expect(await closed(client)).toEqual([4404, "gone"]);
    await expect.poll(() => events.closes).toBe(1);
  });

  test("many sockets are accepted at the same time, each with its own events", async () => {
    const address = await serve({
      upgrade: (upgrade) =>
        setTimeout(() => upgrade.accept(greeter(upgrade.query), { headers: { "X-A": "b" } }), Math.random() * 10),
    });
    const greetings = await Promise.all(
      Array.from({ length: 200 }, (_, nth) => {
        const client = new WebSocket(`ws://${address}/ws?${nth}`);
        clients.push(client);
        return new Promise((resolve, reject) => {
          client.once("message", (data) => resolve(data.toString()));
          client.once("close", () => reject(new Error(`${nth} closed`)));
        });
      }),
    );
    expect(greetings).toEqual(Array.from({ length: 200 }, (_, nth) => `${nth}`.padEnd(5000, ".")));
  });

  test("an upgrade can be refused", async () => {
    const address = await serve({
      upgrade: (upgrade) => upgrade.refuse({ status: 503, headers: { "Retry-After": "1" }, body: "{}" }),
    });
    const client = connect(address);
    const response = await new Promise<{ statusCode?: number; headers: object }>((resolve) =>
      client.once("unexpected-response", (_, answer) => resolve(answer)),
    );
    expect(response).toMatchObject({ statusCode: 503, headers: { "retry-after": "1" } });
  });

  test("accepting an upgrade whose client has left does no harm", async () => {
    let ask: (upgrade: Upgrade) => void = () => {};
    const asked = new Promise<Upgrade>((resolve) => {
      ask = resolve;
    });
    const address = await serve({ upgrade: (upgrade) => ask(upgrade) });
    const client = connect(address);
    client.on("error", () => {});
    const upgrade = await asked;
    client.terminate();
    await fetch(`http://${address}/`); // when this is answered, the server knows that the client has left
    const events = recorder();
    upgrade.accept(events, {});
    await expect.poll(() => events.closes === 1 || events.socket === undefined).toBe(true);
  });

  test("bytes that a client does not read are counted, and a drain is reported", async () => {
    const events = recorder();
    const address = await serve({ upgrade: (upgrade) => upgrade.accept(events, {}) });
    const client = connect(address);
    await opened(client);
    client.pause();
    const message = "x".repeat(100_000);
    for (let sent = 0; sent < 200 && events.socket?.getBufferedAmount() === 0; sent++) {
      events.socket.send(message);
      await new Promise(setImmediate);
    }
    expect(events.socket?.getBufferedAmount()).toBeGreaterThan(0);
    client.resume();
    await expect.poll(() => events.socket?.getBufferedAmount()).toBe(0);
    expect(events.drains).toBeGreaterThan(0);
  });

  test("a message above the limit ends the connection", async () => {
    const events = recorder();
    const address = await serve({ upgrade: (upgrade) => upgrade.accept(events, {}) });
    const client = connect(address);
    await opened(client);
    client.send("x".repeat(2000));
    await closed(client);
    await expect.poll(() => events.closes).toBe(1);
    expect(events.received).toEqual([]);
  });

  test("a port that is taken is a ListenError", async () => {
    const address = await serve({});
    const port = Number(address.split(":")[1]);
    const again = startServer({
      host: "127.0.0.1",
      port,
      maxMessageBytes: 1000,
      maxBackpressure: 1000,
      idleTimeoutS: 8,
      request: () => ({ status: 404, headers: {}, body: "" }),
      upgrade: () => {},
    });
    // uWebSockets.js shares a port among processes without an error, unless it is started exclusively.
    await expect(again).rejects.toThrow(ListenError);
  });
});

interface Recorder extends SocketEvents {
  socket: Socket | undefined;
  readonly received: string[];
  drains: number;
  closes: number;
}

function recorder(): Recorder {
  return {
    socket: undefined,
    received: [],
    drains: 0,
    closes: 0,
    opened(socket) {
      this.socket = socket;
    },
    message(data) {
      this.received.push(Buffer.from(data).toString());
    },
    drained() {
      this.drains++;
    },
    closed() {
      this.closes++;
    },
  };
}

function greeter(greeting: string): SocketEvents {
  return {
    opened: (socket) => void Promise.resolve().then(() => socket.send(greeting.padEnd(5000, "."))),
    message: () => {},
    drained: () => {},
    closed: () => {},
  };
}

/** Sends these bytes and returns the beginning of the response. */
function say(address: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(`http://${address}`);
    const socket = connectTo(Number(port), hostname, () => socket.write(bytes));
    socket.once("error", reject).once("data", (data) => {
      socket.destroy();
      resolve(String(data));
    });
  });
}

function opened(client: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("open", () => resolve());
    client.once("error", reject);
  });
}

function closed(client: WebSocket): Promise<[number, string]> {
  return new Promise((resolve) => client.once("close", (code, reason) => resolve([code, reason.toString()])));
}

test("[G86] ws refuses a malformed handshake and gives none of its headers to the next client", async () => {
  const events = [recorder(), recorder()];
  const closed: number[] = [];
  const [first, second] = events.map((each, at) => ({ ...each, closed: () => void closed.push(at) }));
  if (!first || !second) throw new Error("unreachable");
  const answers = [
    (upgrade: Upgrade) => upgrade.accept(first, { headers: { "Set-Cookie": "tapedeck_session=theirs" } }),
    (upgrade: Upgrade) => upgrade.accept(second, {}),
  ];
  const server = await startWsServer({ ...defaults, upgrade: (upgrade) => answers.shift()?.(upgrade) });
  try {
    const malformed = connectTo(server.port, "127.0.0.1");
    malformed.write(
      "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\n\r\n",
    );
    const answer = await new Promise((resolve) => malformed.once("data", (data) => resolve(String(data))));
    expect(answer).toMatch(/^HTTP\/1.1 400/);
    expect(closed).toEqual([0]); // the gateway's end is closed
    const client = new WebSocket(`ws://127.0.0.1:${server.port}/ws`);
    const headers = await new Promise((resolve) => client.once("upgrade", (response) => resolve(response.headers)));
    expect(headers).not.toHaveProperty("set-cookie");
    client.on("error", () => {}).terminate();
    malformed.destroy();
  } finally {
    server.close();
  }
});
