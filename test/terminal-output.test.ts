import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keysWith } from "@tapedeck/sessions";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { programOf } from "./support/built.js";
import { hasTerminals, Terminal } from "./support/terminal.js";

const main = programOf("tapedeck");
/** Colour, clipboard (OSC 52), carriage return, text from right to left, the one-byte start of a sequence, and another line. */
const hostile = "evil\u001b[31m\u001b]52;c;cm0gLXJm\u0007\r\u202e\u009b2J\nok  forged";
const shown = String.raw`evil\u001b[31m\u001b]52;c;cm0gLXJm\u0007\u000d\u202e\u009b2J\u000aok  forged`;
const book = "timestamp,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n";
const row = (second: number) => `2026-01-01T00:00:0${second}Z,100,1,101,1\n`;

let folder: string;
const servers: Server[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-output-"));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

/** What a command prints on both outputs, together. */
async function said(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...process.env, ...env } });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  await once(child, "close");
  return text;
}

/** It was printed, in letters, and begins no line. */
function expectHarmless(text: string, name = shown): void {
  expect(text).toContain(name);
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(text).not.toMatch(/^ok {2}forged/m);
}

async function recording(content: string): Promise<string> {
  const file = `${hostile}-${randomUUID()}.csv`;
  await writeFile(join(folder, file), content);
  return file;
}

test("[CM13] a recording's name and content do not control the terminal, whether the import succeeds or fails", async () => {
  const store = ["--store", join(folder, "tapes")];
  expectHarmless(await said(["import", join(folder, hostile), ...store]));
  expectHarmless(await said(["import", await recording("nothing to read"), ...store]));
  const damaged = await recording(`${book}${row(1)}\u001b]0;title\u0007,1,1,2,1\n${row(2)}${row(3)}`);
  expectHarmless(await said(["import", damaged, "--symbol", `X${hostile}`, ...store]));
  expectHarmless(await said(["import", damaged, "--symbol", `X${hostile}`, "--strict", ...store]));
  expect((await readdir(join(folder, "tapes"))).length).toBeGreaterThan(0);
  const tapes = await said(["tapes", ...store]);
  expectHarmless(tapes, String.raw`XEVIL\u001b[31M\u001b]52;C;CM0GLXJM\u0007`);
  expect(tapes.trimEnd().split("\n")).toHaveLength(3);
  expectHarmless(await said(["tapes", "delete", hostile, ...store]));
});

test("[CM13] names in Redis do not control the terminal", async () => {
  const keys = keysWith(`test-${randomUUID()}`);
  const redis = new Redis(inject("redisUrl"));
  try {
    await redis.hset(keys.node("n"), { node: hostile, role: "gateway", version: hostile, queues: "4", server: "ws" });
    await redis.zadd(keys.nodes, Date.now(), "n");
    const env = { REDIS_URL: inject("redisUrl"), TAPEDECK_PREFIX: keys.nodes.replace(":nodes", "") };
    expectHarmless(await said(["doctor"], { ...env, TAPEDECK_STORE: join(folder, "tapes") }));
  } finally {
    await redis.del(keys.node("n"), keys.nodes);
    redis.disconnect();
  }
});

test("[CM13] responses of a cluster do not control the terminal, and --json stays equivalent JSON", async () => {
  const node = { node: hostile, role: "gateway", version: hostile, sockets: 1, up_s: 1 };
  const answers: Record<string, unknown> = {
    "/dashboard": { sessions: { mode_distribution: {} }, nodes: [node] },
    "/metrics/dashboard": { sessions: { mode_distribution: {} }, nodes: [node] },
  };
  const server = createServer((request, answer) => {
    const found = answers[new URL(request.url ?? "/", "http://cluster").pathname];
    answer.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    answer.end(JSON.stringify(found ?? { code: "SESSION_NOT_FOUND", message: `There is no ${hostile}.` }));
  });
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  const url = ["--url", `http://127.0.0.1:${address.port}`];
  expectHarmless(await said(["sessions", "show", "x", ...url]));
  expectHarmless(await said(["top", "--once", ...url]));
  const json = await said(["top", "--json", "--once", ...url]);
  expect(JSON.parse(json)).toMatchObject({ nodes: [node] });
  expectHarmless(json, "\\u009b2J");
});

test.skipIf(!hasTerminals)("[CM13] in a terminal only the progress line moves the cursor", async () => {
  const file = await recording(book + row(1) + row(2) + row(3));
  const command = `${process.execPath} ${main} import "$FILE" --symbol X --store ${join(folder, "more")}`;
  const terminal = new Terminal(command, { cwd: folder, env: { ...process.env, FILE: file } });
  expect(await terminal.ended()).toBe(0);
  // Each state of the line ends where the next begins.
  const text = terminal.said.replaceAll("\r\n", "\n").replaceAll("\r\u001b[K", "\n");
  expect(text).toMatch(/^\[#{20}\] 100 % {2}4 lines/m);
  expectHarmless(text);
});

test("[CM13] all output of the command line passes through one file", async () => {
  const source = fileURLToPath(new URL("../packages/cli/src/", import.meta.url));
  const printing: string[] = [];
  for (const name of await readdir(source, { recursive: true })) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
    if (/console\.|std(out|err)\.write|terminal\.write/.test(await readFile(join(source, name), "utf8")))
      printing.push(name);
  }
  // `top` clears the screen, and Redis's own log goes to a file.
  expect(printing.sort()).toEqual(["cluster/redis-main.ts", "commands/top.ts", "terminal/output.ts"]);
});
