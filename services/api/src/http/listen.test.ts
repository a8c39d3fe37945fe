import { once } from "node:events";
import { connect } from "node:net";
import Koa from "koa";
import { afterEach, expect, test } from "vitest";
import { type Listening, listen } from "./listen.js";

let listening: Listening | undefined;
afterEach(() => listening?.close());

test.each([
  ["sends what is not HTTP", "nonsense\r\n\r\n"],
  ["goes on sending what is not HTTP", `nonsense\r\n${"x".repeat(1_000_000)}`],
  ["never ends its head", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "],
  ["never sends the body it announced", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"],
])("[R30] an api refuses in JSON a client that %s, and closes the connection for good", async (_, bytes) => {
  const app = new Koa();
  app.silent = true; // what a client breaks off is no news
  app.use((ctx) => once(ctx.req.resume(), "end"));
  listening = await listen(app, "127.0.0.1", 0, { limits: { headMs: 300, requestMs: 600, idleMs: 5_000 } });
  const client = connect({ port: Number(new URL(listening.url).port), host: "127.0.0.1", allowHalfOpen: true });
  let answer = "";
  client.on("data", (data) => {
    answer += String(data);
  });
  client.write(bytes);
  await once(client, "end");
  expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"MALFORMED"/);
  // Our half is still open. The other end answers to it with a reset once it holds the connection no more.
  const reset = new Promise((resolve) => client.once("error", resolve));
  const writing = setInterval(() => client.write("x"), 50);
  await reset.finally(() => clearInterval(writing));
  client.destroy();
});

test("[R30] a request that comes after its connection was refused for its slowness is not carried out", async () => {
  const asked: string[] = [];
  const app = new Koa();
  app.use((ctx) => {
    asked.push(ctx.path);
    ctx.body = "ok";
  });
  listening = await listen(app, "127.0.0.1", 0, { limits: { headMs: 300, requestMs: 600, idleMs: 5_000 } });
  const client = connect({ port: Number(new URL(listening.url).port), host: "127.0.0.1", allowHalfOpen: true });
  await once(client, "data");
  client.write("GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.end();
  await once(client, "close");
  expect(asked).toEqual([]);
});

test.each([
  ["both a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"],
  ["two lengths", "Content-Length: 5\r\nContent-Length: 43\r\n"],
  ["chunks in an unknown coding", "Transfer-Encoding: chunked, identity\r\n"],
])("[A98] an api refuses a body that announces %s, and answers no request that lies in it", async (_, framing) => {
  const asked: string[] = [];
  const app = new Koa();
  app.silent = true;
  app.use((ctx) => {
    asked.push(ctx.path);
    ctx.body = "ok";
  });
  listening = await listen(app, "127.0.0.1", 0, { limits: { headMs: 300, requestMs: 600, idleMs: 5_000 } });
  const client = connect({ port: Number(new URL(listening.url).port), host: "127.0.0.1" });
  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.write(`POST / HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n0\r\n\r\n${smuggled}`);
  const answer = (await client.toArray()).join("");
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  expect(asked).toEqual([]);
});
