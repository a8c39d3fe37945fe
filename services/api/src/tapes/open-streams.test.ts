import { type IncomingMessage, request } from "node:http";
import { createLogger } from "@tapedeck/runtime";
import Koa from "koa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { errorResponses } from "../http/error-responses.js";
import { type Listening, listen } from "../http/listen.js";
import { StreamResponse, sendStream } from "../http/streamed-body.js";
import { OpenStreams } from "./open-streams.js";

const pieces = 1_000;

async function* madeUp(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let nth = 0; nth < pieces; nth++) yield Buffer.alloc(1 << 16, 1);
}

let server: Listening;
beforeEach(async () => {
  const streams = new OpenStreams();
  const app = new Koa();
  app.silent = true;
  app.use(errorResponses(createLogger({ service: "api", node: "test", level: "silent" })));
  app.use((ctx) => sendStream(ctx, new StreamResponse("text/plain", streams.counted(ctx.path, madeUp()))));
  server = await listen(app, "127.0.0.1", 0);
});
afterEach(() => server.close());

/** An answer of which nothing has been read yet. */
function open(user: string, method = "GET"): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(`${server.url}/${user}`, { agent: false, method }, resolve).once("error", reject).end();
  });
}

async function bytesOf(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += Buffer.from(chunk).length;
  return bytes;
}

test("[A127] a user has four event streams open at a time; a fifth is refused until one has ended or was left", async () => {
  const answers = await Promise.all(Array.from({ length: 4 }, () => open("ada")));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
  const refused = await open("ada");
  expect(refused).toMatchObject({ statusCode: 429, headers: { "retry-after": "5" } });
  refused.resume();
  const other = await open("bob");
  expect(other.statusCode).toBe(200);
  other.destroy();

  const [first, second, ...rest] = answers;
  if (first === undefined || second === undefined) return expect.fail("too few answers");
  expect(await bytesOf(first)).toBe(pieces << 16);
  const fifth = await open("ada");
  expect(fifth.statusCode).toBe(200);
  second.destroy();
  const next = async () => {
    const answer = await open("ada");
    answer.destroy();
    return answer.statusCode;
  };
  await expect.poll(next).toBe(200);
  for (const answer of [fifth, ...rest]) answer.destroy();
});

test("[A127] HEAD opens no stream", async () => {
  for (let nth = 0; nth < 6; nth++) {
    const answer = await open("ada", "HEAD");
    expect(answer.statusCode).toBe(200);
    expect(await bytesOf(answer)).toBe(0);
  }
});
