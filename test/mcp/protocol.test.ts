import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect } from "vitest";
import { programOf } from "../support/built.js";
import { testOnCluster } from "../support/cluster.js";
import { signIn, tokenOf } from "../support/sign-in.js";
import { Assistant } from "./assistant.js";

const test = testOnCluster(() => ({ env: { all: signIn } }));

describe("[MC1] tapedeck mcp serves assistants", () => {
  test.for([
    ["the revision of 2026", { mode: "auto" }, "modern"],
    ["those of 2025 and before", { mode: "legacy" }, "legacy"],
  ] as const)("that speak %s", async ([, versionNegotiation, era], { cluster }) => {
    const assistant = await Assistant.start(
      cluster.url,
      { TAPEDECK_TOKEN: await tokenOf("ada") },
      { versionNegotiation },
    );
    expect(assistant.client.getProtocolEra()).toBe(era);
    expect(assistant.client.getInstructions()).toMatch(/^Tapedeck gives every user a tape deck/);
    expect((await assistant.call("list_tapes")).text).toContain('"id":"usdm"');
    await assistant.close();
  });

  test("that use the SDK's first version", async ({ cluster }) => {
    const client = new FirstClient({ name: "tests", version: "1" });
    const args = [programOf("tapedeck"), "mcp", "--url", cluster.url];
    await client.connect(
      new FirstTransport({ command: process.execPath, args, env: { TAPEDECK_TOKEN: await tokenOf("ada") } }),
    );
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("create_session");
    const answer = await client.callTool({ name: "list_tapes", arguments: {} });
    expect(JSON.stringify(answer.content)).toContain("usdm");
    await client.close();
  });
});

test("[MC2] ends with 0 when the client closes the input, and writes nothing but messages", async ({ cluster }) => {
  const child = spawn(process.execPath, [programOf("tapedeck"), "mcp", "--url", cluster.url]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes;
  });
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "tests", version: "1" } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
  await Promise.race([once(child.stdout, "data"), once(child, "close")]);
  child.stdin.end();
  const [code] = await once(child, "close");
  expect([code, stderr]).toEqual([0, ""]);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { jsonrpc: "2.0", id: 1, result: { protocolVersion: "2025-06-18", serverInfo: { name: "tapedeck" } } },
  ]);
});

test("[MC2] SIGTERM ends it with 143", async ({ cluster }) => {
  const child = spawn(process.execPath, [programOf("tapedeck"), "mcp", "--url", cluster.url]);
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "tests", version: "1" } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
  await Promise.race([once(child.stdout, "data"), once(child, "close")]);
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([143, null]);
});

test("[MC3] every tool describes itself and its arguments, in a list that fits into an assistant's context", async ({
  cluster,
}) => {
  const assistant = await Assistant.start(cluster.url);
  const { tools } = await assistant.client.listTools();
  expect(JSON.stringify(tools).length).toBeLessThan(32_000);
  for (const { name, title, description = "", inputSchema, annotations } of tools) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect([name, title === undefined, description.length > 30]).toEqual([name, false, true]);
    expect([name, inputSchema.type, inputSchema.additionalProperties]).toEqual([name, "object", false]);
    expect(typeof annotations?.readOnlyHint).toBe("boolean");
  }
  const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name);
  expect(reading.every((name) => /^(get|list)_|^watch$/.test(name))).toBe(true);
  expect(reading.length).toBeGreaterThan(7);
  await assistant.close();
});

describe("[MC5] what is refused is the answer of a tool, and the server goes on", () => {
  test("invalid arguments, named with the rule", async ({ cluster }) => {
    const assistant = await Assistant.start(cluster.url, { TAPEDECK_TOKEN: await tokenOf("ada") });
    expect(await assistant.refused("seek", { session_id: "x", when: 3 })).toMatch(/Unrecognized key: "when"/);
    expect(await assistant.refused("play", { session_id: "x", speed: 5000 })).toMatch(/speed: .*1000/);
    expect(await assistant.refused("get_book")).toBe("Name exactly one of session_id and tape.");
    expect(await assistant.refused("get_session", { session_id: "nobody's" })).toMatch(
      /^SESSION_NOT_FOUND: Session nobody's does not exist/,
    );
    expect((await assistant.call("list_tapes")).isError).toBe(false);
    await assistant.close();
  });

  test("a missing token, with the setting for it", async ({ cluster }) => {
    const assistant = await Assistant.start(cluster.url);
    expect(await assistant.refused("create_session")).toMatch(
      /^UNAUTHORIZED: .* Set TAPEDECK_TOKEN \(or --token\) to your token\.$/,
    );
    await assistant.close();
  });

  test("a cluster that does not answer", async () => {
    const url = await closedAddress();
    const assistant = await Assistant.start(url, { TAPEDECK_TOKEN: await tokenOf("ada") });
    const says = `unreachable: Nothing answers at ${url}: start a cluster with npm start, or name one with --url.`;
    expect(await assistant.refused("list_tapes")).toBe(says);
    expect(await assistant.refused("watch", { session_id: "x" })).toBe(says);
    await assistant.close();
  });
});

/** An address where nothing listens any more. */
async function closedAddress(): Promise<string> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return `http://127.0.0.1:${address.port}`;
}
