import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { createLogger } from "@tapedeck/runtime";
import Koa from "koa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { OpenStreams } from "../tapes/open-streams.js";
import { errorResponses } from "./error-responses.js";
import { type Listening, listen } from "./listen.js";
import { SocketResponse, WebSockets } from "./web-socket.js";

/** Messages that were made, and answers that were left. */
let made: { count: number; left: number };
let server: Listening;
let stop: () => Promise<void>;
const message = "x".repeat(16 * 1024);

async function* messages(count: number): AsyncGenerator<string, void, undefined> {
  try {
    for (; made.count < count; made.count++) yield message;
  } finally {
    made.left++;
  }
}

beforeEach(async () => {
  made = { count: 0, left: 0 };
  const [streams, sockets] = [new OpenStreams(), new WebSockets()];
  const app = new Koa();
  app.silent = true;
  app.use(errorResponses(createLogger({ service: "api", node: "test", level: "silent" })));
  app.use((ctx) => {
    if (ctx.path === "/http") ctx.body = `${ctx.method} ${ctx.get("upgrade")}`;
    else if (ctx.path === "/endless")
      sockets.accept(ctx, new SocketResponse(streams.counted("ada", messages(Number.POSITIVE_INFINITY)), "read"));
    else sockets.accept(ctx, new SocketResponse(messages(1_000), "read"));
  });
  server = await listen(app, "127.0.0.1", 0, { sockets });
  let stopped: Promise<void> | undefined;
  stop = () => {
    stopped ??= server.close();
    return stopped;
  };
});
afterEach(() => stop());

function open(path: string): WebSocket {
  return new WebSocket(server.url.replace("http", "ws") + path);
}

test("[TM9] messages are made as fast as their client takes them, and all arrive before the end", async () => {
  const socket = open("/");
  let received = 0;
  socket.on("message", () => received++);
  await once(socket, "message");
  socket.pause();
  // Nothing tells that no more will be made but that none are for a while.
  let before = -1;
  const grows = () => {
    const more = made.count > before;
    before = made.count;
    return more;
  };
  await expect.poll(grows, { interval: 300 }).toBe(false);
  expect(before).toBeLessThan(1_000);
  socket.resume();
  const [code, reason] = await once(socket, "close");
  expect([code, String(reason), received]).toEqual([1000, "read", 1_000]);
});

test("[TM9] a client that leaves ends the reading, and a user has four at a time", async () => {
  const four = Array.from({ length: 4 }, () => open("/endless"));
  await Promise.all(four.map((socket) => once(socket, "message")));
  const fifth = open("/endless");
  const [code, reason] = await once(fifth, "close");
  expect([code, String(reason)]).toEqual([1013, expect.stringContaining("4 event streams of this user are open")]);
  for (const socket of four) socket.terminate();
  // The fifth was left when it was refused.
  await expect.poll(() => made.left).toBe(4);
  const next = open("/endless");
  await once(next, "message");
  next.terminate();
});

test("[TM9] a node that shuts down closes with 1012", async () => {
  const socket = open("/endless");
  await once(socket, "message");
  const closed = once(socket, "close");
  await Promise.all([stop(), closed]);
  expect((await closed)[0]).toBe(1012);
});

test("[TM9] what is no offer of a WebSocket is answered as without the offer", async () => {
  for (const upgrade of ["h2c", "websocket"]) {
    const asked = request(`${server.url}/http`, { headers: { connection: "upgrade", upgrade } }).end();
    const [answer] = await once(asked, "response");
    expect(await text(answer)).toBe(`GET ${upgrade === "h2c" ? "" : upgrade}`);
  }
});
