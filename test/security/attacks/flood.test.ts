import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { subprotocol } from "@tapedeck/protocol";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { testOnCluster } from "../../support/cluster.js";
import { headersOf, signIn } from "../../support/sign-in.js";
import { Bystanders } from "../bystanders.js";
import { holdings } from "../held-connections.js";

const test = testOnCluster(() => ({ apis: 1, env: { all: signIn } }));

/** How long each kind of flood lasts. */
const floodMs = 2_000;

const floods = [
  { kind: "commands", legacy: false, message: '{"type":"command","id":"1","command":"pause"}' },
  { kind: "refused commands", legacy: false, message: '{"type":"command","id":"1","command":"seek","seq":-1}' },
  { kind: "what is not JSON", legacy: false, message: "{".repeat(200) },
  { kind: "messages of a legacy socket", legacy: true, message: '{"type":"ORDER"}' },
];

test("[G35] a client that floods a gateway with any kind of socket and reconnects when closed delays no viewer", async ({
  cluster,
}) => {
  const headers = await headersOf("mallory");
  const { session_id } = await cluster.http.as(headers).create({ tape: "usdm" });
  const [gateway] = cluster.gateways;
  if (!gateway) throw new Error("no gateway");
  const bystanders = await Bystanders.gather(cluster);
  for (const { kind, legacy, message } of floods) {
    const address = `${gateway.url.replace(/^http/, "ws")}/ws/${session_id}`;
    const protocols = legacy ? [] : [subprotocol];
    const closes = await bystanders.during(kind, () => flood({ address, protocols, headers, message }), {
      attacked: gateway,
      attempts: 3,
    });
    expect(closes.filter((code) => code === 4429).length).toBeGreaterThan(0);
    expect(new Set(closes)).toEqual(new Set([4429]));
  }
  await bystanders.leave();
});

test("[U47] who floods through the balancer reads why its socket was closed, each time", async ({ cluster }) => {
  const headers = await headersOf("ivan");
  const { session_id } = await cluster.http.as(headers).create({ tape: "usdm" });
  const address = `${cluster.url.replace(/^http/, "ws")}/ws/${session_id}`;
  const closes: number[] = [];
  while (closes.length < 150) {
    const client = new WebSocket(address, [subprotocol], { headers, perMessageDeflate: false });
    const closed = once(client, "close");
    await once(client, "open");
    for (let nth = 0; nth < 1_200; nth++) client.send(`{ garbage ${nth}`);
    const [code] = z
      .tuple([z.number()])
      .rest(z.unknown())
      .parse(await closed);
    closes.push(code);
  }
  expect(new Set(closes)).toEqual(new Set([4429]));
});

test.skipIf(!existsSync("/proc/self/fd"))(
  "[G35] [U41] who floods through the balancer holds none of its connections when each has been closed",
  async ({ cluster }) => {
    const headers = await headersOf("trudy");
    const { session_id } = await cluster.http.as(headers).create({ tape: "usdm" });
    const balancer = cluster.endpoints.at(-1) ?? expect.fail();
    const open = async () => (await holdings(balancer.pid)).descriptors;
    const before = await open();
    const address = `${balancer.url.replace(/^http/, "ws")}/ws/${session_id}`;
    const options = { address, protocols: [subprotocol], headers, message: '{"type":"ping"}' };
    const closes = await flood({ ...options, ms: 60_000, maxCloses: 50 });
    expect(closes).toHaveLength(50);
    await expect.poll(open, { timeout: 15_000, interval: 500 }).toBeLessThan(before + 10);
  },
);

/** @returns the close codes of the flooding sockets */
async function flood(options: {
  readonly address: string;
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly message: string;
  readonly ms?: number;
  readonly maxCloses?: number;
}): Promise<number[]> {
  const script = fileURLToPath(new URL("../flooder.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify({ ms: floodMs, ...options })]);
  return z.array(z.number()).parse(JSON.parse(stdout));
}
