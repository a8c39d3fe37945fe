import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createLogger } from "@tapedeck/runtime";
import { StoreUnavailable } from "@tapedeck/tape";
import Koa from "koa";
import { afterEach, expect, test } from "vitest";
import { errorResponses } from "./error-responses.js";
import { FileResponse, sendFile } from "./file-response.js";
import { type Listening, listen } from "./listen.js";

const pieceBytes = 1 << 16;
const pieces = 1_000;

/** A file of 64 MiB that says how many of its pieces were taken, and whether its reader has left. */
class MadeUpFile {
  readonly bytes = pieces * pieceBytes;
  readonly tag = "made-up";
  taken = 0;
  left = false;
  readonly #failAt: number;

  constructor(failAt = Number.POSITIVE_INFINITY) {
    this.#failAt = failAt;
  }

  complete(): Promise<number> {
    return Promise.resolve(this.bytes);
  }

  readAll(): AsyncGenerator<Uint8Array, void, undefined> {
    return this.read(0, this.bytes);
  }

  async *read(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let at = from; at < to; at += pieceBytes) {
        if (at >= this.#failAt) throw new StoreUnavailable(new Error("gone"));
        this.taken++;
        yield Buffer.alloc(Math.min(pieceBytes, to - at), 1);
      }
    } finally {
      this.left = true;
    }
  }
}

let server: Listening | undefined;
afterEach(async () => {
  await server?.close();
});

/** Asks a server for the file. Nothing of the answer is read yet. */
async function ask(file: MadeUpFile): Promise<IncomingMessage> {
  const app = new Koa();
  app.silent = true;
  app.use(errorResponses(createLogger({ service: "api", node: "test", level: "silent" })));
  app.use((ctx) => sendFile(ctx, new FileResponse("application/octet-stream", () => file)));
  server = await listen(app, "127.0.0.1", 0);
  const asked = request(server.url, { agent: false }).end();
  const [answer]: IncomingMessage[] = await once(asked, "response");
  return answer ?? expect.fail("no answer");
}

test("[A123] a file is read only as fast as its client takes it", async () => {
  const file = new MadeUpFile();
  const answer = await ask(file);
  let before = -1;
  const rests = () => {
    const { taken } = file;
    const same = taken === before;
    before = taken;
    return same;
  };
  await expect.poll(rests, { interval: 200 }).toBe(true); // the buffers of the connection are full
  expect(file.taken).toBeLessThan(pieces / 4);
  let bytes = 0;
  for await (const chunk of answer) bytes += Buffer.from(chunk).length;
  expect(bytes).toBe(file.bytes);
  expect(file.taken).toBe(pieces);
});

test("[A123] a client that leaves ends the reading", async () => {
  const file = new MadeUpFile();
  const answer = await ask(file);
  answer.destroy();
  await expect.poll(() => file.left).toBe(true);
  expect(file.taken).toBeLessThan(pieces);
});

test("[A123] a store that goes away in the middle breaks the connection, so that nobody takes a part for the whole", async () => {
  const file = new MadeUpFile(5 * pieceBytes);
  const answer = await ask(file);
  expect(answer.statusCode).toBe(200);
  const read = async () => {
    for await (const _ of answer);
  };
  await expect(read()).rejects.toThrow("aborted");
});

test("[A123] a store that is away from the beginning is answered with 503", async () => {
  const answer = await ask(new MadeUpFile(0));
  expect(answer.statusCode).toBe(503);
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  expect(JSON.parse(text)).toMatchObject({ code: "UNAVAILABLE" });
  expect(answer.headers).toMatchObject({ "retry-after": "5", "content-type": expect.stringContaining("json") });
});
