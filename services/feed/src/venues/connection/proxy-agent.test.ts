import { createServer } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeBitmex } from "../../../../../test/support/exchange/bitmex.js";
import { streamMarket } from "../../testing/stream-market.js";
import { bitmex } from "../bitmex.js";
import { agentFor } from "./proxy-agent.js";
import { SocketVenue } from "./socket-venue.js";

const names = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
];
let before: (string | undefined)[];

beforeEach(() => {
  before = names.map((name) => process.env[name]);
  for (const name of names) delete process.env[name];
});
afterEach(() => {
  for (const [at, name] of names.entries()) {
    const value = before[at];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test("[FD15] a remote venue is reached through the proxy for its kind of address", () => {
  process.env.HTTPS_PROXY = "http://proxy.example:3128";
  expect(agentFor(new URL("wss://ws.bitmex.com/realtime"))).toBeDefined();
  expect(agentFor(new URL("https://api.binance.com/api/v3/depth"))).toBeDefined();
  expect(agentFor(new URL("ws://relay.example/"))).toBeUndefined();
  process.env.NO_PROXY = ".bitmex.com";
  expect(agentFor(new URL("wss://ws.bitmex.com/realtime"))).toBeUndefined();
});

test.each(["ws://127.0.0.1:1", "ws://localhost:1/stream", "ws://[::1]:1", "http://exchange.localhost/"])(
  "[FD15] %s is this machine: no proxy is used",
  (address) => {
    for (const name of names) process.env[name] = "http://proxy.example:3128";
    delete process.env.NO_PROXY;
    delete process.env.no_proxy;
    expect(agentFor(new URL(address))).toBeUndefined();
  },
);

test("[FD15] a connection goes through the proxy", async () => {
  const requested: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    requested.push(request.url ?? "");
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  process.env.HTTPS_PROXY = `http://127.0.0.1:${port}`;
  const there = new URL("wss://venue.example/realtime");
  const error = await streamMarket(new SocketVenue(bitmex, { socket: there, rest: there }), "XBTUSD").over;
  expect([requested, error?.kind]).toEqual([["venue.example:443"], "unreachable"]);
  proxy.close();
});

test("[FD15] a connection to this machine does not", async () => {
  for (const name of names) process.env[name] = "http://127.0.0.1:1";
  delete process.env.NO_PROXY;
  delete process.env.no_proxy;
  const exchange = new FakeBitmex();
  await exchange.open();
  const market = streamMarket(
    new SocketVenue(bitmex, { socket: new URL(exchange.url), rest: new URL(exchange.url) }),
    "NOSUCH",
  );
  expect(await market.over).toMatchObject({ kind: "refused" });
  await exchange.close();
});
