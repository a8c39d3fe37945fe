// Runs all attacks at random beside watched sessions, and reports what the viewers notice and what the processes hold before and after.
// npx tsc -b && npx tsx --conditions tapedeck-source test/security/random-attacks.ts [minutes] [watchers] [seed]
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startCluster } from "@tapedeck/cli";
import { subprotocol } from "@tapedeck/protocol";
import { describe } from "../support/distribution.js";
import { breakIn } from "../support/expect.js";
import { Http } from "../support/http.js";
import { startRedisServer } from "../support/redis-server.js";
import { headersOf, signIn, tokenOf } from "../support/sign-in.js";
import { Tapes } from "../support/tapes.js";
import { Viewer } from "../support/viewer.js";
import { HeldConnections, habits, holdings } from "./held-connections.js";

const [minutes = 60, count = 200, seed = 1] = process.argv.slice(2).map(Number);
/** Duration of each attack, after which the viewers' frames are checked and released. */
const attackMs = 6_000;
const checkMs = 5_000;

const folder = await mkdtemp(join(tmpdir(), "tapedeck-attacks-"));
const redis = await startRedisServer();
const tapes = new Tapes(join(folder, "tapes"));
await tapes.recorded("slow");
const cluster = await startCluster({
  port: 0,
  redisUrl: redis.url,
  store: tapes.folder,
  folder,
  // The default quotas of a cluster that others can reach; a local one has none.
  env: {
    all: {
      ...signIn,
      LOG_LEVEL: "warn",
      DEFAULT_TAPE: "slow",
      MAX_SESSIONS_PER_USER: "50",
      MAX_SOCKETS_PER_USER: "50",
      MAX_INSTRUMENTS_PER_USER: "10",
      LIMIT_READS: "300/10",
      LIMIT_COMMANDS: "100/10",
      LIMIT_CREATIONS: "60/60",
      LIMIT_CONNECTIONS: "60/10",
    },
  },
});
const http = new Http([cluster.url]);

/** Random numbers from a seed, so that a run can be repeated. (xorshift32; G. Marsaglia, "Xorshift RNGs", 2003) */
let state = seed || 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

interface Watcher {
  readonly id: string;
  readonly http: Http;
  readonly viewer: Viewer;
}

/** Viewers of all modes, at four or ten frames per second. */
async function watcher(nth: number): Promise<Watcher> {
  const choices = [
    { tape: "slow", loop: true },
    { mode: "LIVE", source: "SIM", symbol: ["BTCUSDT", "ETHUSDT"][nth % 2] },
    { mode: "SIMULATION", seed: nth % 4 },
  ];
  const headers = await headersOf(`watcher-${nth}`);
  const own = http.as(headers);
  const { session_id: id } = await own.create({ max_fps: 0, ...choices[nth % choices.length] });
  const viewer = await Viewer.watch({ gateways: [cluster.url], sessionId: id, headers });
  await own.control(id, "start");
  await viewer.next(1);
  return { id, http: own, viewer };
}

/** What the viewers have noticed: missing or repeated frames, closes, and the waits between two frames in ms. */
class Witness {
  readonly breaks: string[] = [];
  readonly waits: number[] = [];
  readonly #watchers: readonly Watcher[];

  constructor(watchers: readonly Watcher[]) {
    this.#watchers = watchers;
  }

  look(): void {
    for (const { id, viewer } of this.#watchers) {
      const seen = viewer.frames.splice(0, viewer.frames.length - 1);
      const last = viewer.frames[0];
      const frames = last === undefined ? seen : [...seen, last];
      viewer.types.length = 0;
      viewer.messages.length = 0;
      const broken = breakIn(frames);
      if (broken !== undefined) this.breaks.push(`${id}: ${broken}`);
      for (const code of viewer.closes.splice(0)) this.breaks.push(`${id}: closed with ${code}`);
      let longest = 0;
      for (const [at, frame] of frames.entries())
        longest = Math.max(longest, frame.at - (frames[at - 1]?.at ?? frame.at));
      this.waits.push(longest);
    }
  }
}

const mallory = await headersOf("mallory");
const asMallory = http.as(mallory);
const socketUrl = cluster.url.replace("http", "ws");
const { session_id: target } = await asMallory.create({ session_id: "mallorys", tape: "slow" });

/** Repeats an action, several at a time, until the attack ends. Refusals are expected. */
async function over(atOnce: number, act: (nth: number) => Promise<unknown>): Promise<void> {
  const until = performance.now() + attackMs;
  let nth = 0;
  const loop = async () => {
    while (performance.now() < until) {
      await act(nth++).catch(() => {});
      await sleep(2); // watchers live in this process
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
}

/** A request whose client disconnects after some ms. */
function leaving(method: string, path: string, ms: number, body?: object): Promise<unknown> {
  return fetch(`${cluster.url}${path}`, {
    method,
    headers: { ...mallory, "content-type": "application/json" },
    signal: AbortSignal.timeout(ms),
    ...(body && { body: JSON.stringify(body) }),
  }).then((answer) => answer.arrayBuffer());
}

function flood(protocols: readonly string[], message: string): Promise<unknown> {
  const options = { address: `${socketUrl}/ws/${target}`, protocols, headers: mallory, message, ms: attackMs };
  return promisify(execFile)(process.execPath, [
    fileURLToPath(new URL("flooder.mjs", import.meta.url)),
    JSON.stringify(options),
  ]);
}

async function holdConnections(): Promise<void> {
  const clients = new HeldConnections();
  for (const { url } of [...cluster.gateways, ...cluster.apis, cluster]) {
    for (const habit of habits) await clients.hold(url, habit, 10);
  }
  await sleep(attackMs);
  clients.close();
}

/** Random bytes, and truncated requests. */
function noise(): Promise<unknown> {
  return over(4, () => {
    const { hostname, port } = new URL(cluster.url);
    const lines = [
      "GET /",
      "POST /sessions/create HTTP/1.1\r\nContent-Length: 9",
      "",
      "GET /ws HTTP/1.1\r\nUpgrade: websocket",
    ];
    return new Promise<void>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () =>
        socket.write(Buffer.concat([Buffer.from(lines[random(lines.length)] ?? ""), randomBytes(random(3_000) + 1)])),
      );
      socket.setTimeout(500, () => socket.destroy());
      socket.on("error", () => {}).resume();
      socket.on("close", () => resolve());
    });
  });
}

const attacks: Readonly<Record<string, () => Promise<unknown>>> = {
  "a flood of commands": () => flood([subprotocol], '{"type":"command","id":"1","command":"pause"}'),
  "a flood of refused commands": () => flood([subprotocol], '{"type":"command","id":"1","command":"seek","seq":-1}'),
  "a flood of invalid JSON": () => flood([subprotocol], "{".repeat(500)),
  "a flood on a legacy socket": () => flood([], '{"type":"ORDER","side":"buy","quantity":1}'),
  "held connections": holdConnections,
  "random bytes": noise,
  "searches without a match": async () => {
    await asMallory.call("POST", `/mode/${target}`, { mode: "SIMULATION", seed: random(1_000_000) });
    await over(8, () =>
      leaving("POST", `/replay/seek/${target}`, 50 + random(2_000), {
        event: "next",
        type: "spoofing",
        min_severity: "critical",
      }),
    );
  },
  "overviews and far seeks": async () => {
    await asMallory.call("POST", `/mode/${target}`, { mode: "SIMULATION", seed: random(1_000_000) });
    const { tape } = await asMallory.session(target);
    await over(6, (nth) =>
      nth % 2 === 0
        ? leaving("GET", `/tapes/${encodeURIComponent(tape ?? "")}/overview?points=${100 + nth}`, 100 + random(2_000))
        : leaving("POST", `/replay/seek/${target}`, 100 + random(2_000), {
            ts: new Date(Date.UTC(2030, random(12))).toISOString(),
          }),
    );
  },
  "orders far ahead": async () => {
    await asMallory.call("POST", `/mode/${target}`, { mode: "SIMULATION", seed: random(1_000_000) });
    await over(4, () => leaving("POST", `/replay/order/${target}`, 1_000, { side: "buy", quantity: 1 + random(100) }));
  },
  "market after market": () =>
    over(4, () =>
      asMallory.call("POST", `/mode/${target}`, { mode: "LIVE", source: "SIM", symbol: `X${random(1_000_000)}` }),
    ),
  "sessions without end": () => over(4, () => asMallory.call("POST", "/sessions/create", {})),
  "links without end": () => over(4, () => asMallory.call("POST", `/sessions/${target}/shares`, { role: "viewer" })),
  "reads without end": () =>
    over(8, (nth) => leaving("GET", ["/tapes", "/openapi.json", "/sessions"][nth % 3] ?? "", 3_000)),
  "invalid tokens": () =>
    over(8, async (nth) => {
      const token = nth % 2 === 0 ? randomBytes(40).toString("base64url") : `${await tokenOf("ada")}x`;
      await (await fetch(`${cluster.url}/sessions`, { headers: { authorization: `Bearer ${token}` } })).arrayBuffer();
    }),
  "sockets of a stranger": () =>
    over(8, () => Viewer.watch({ gateways: [cluster.url], sessionId: target }).then((viewer) => viewer.close())),
};

const processes = [
  ...cluster.gateways,
  ...cluster.apis,
  ...cluster.tickers,
  ...cluster.feeds,
  ...[cluster.balancer].flatMap((b) => (b ? [{ name: "balancer", pid: b.pid }] : [])),
];
const held = async () =>
  Object.fromEntries(await Promise.all(processes.map(async ({ name, pid }) => [name, await holdings(pid)] as const)));

try {
  const watchers: Watcher[] = [];
  while (watchers.length < count) {
    const group = Array.from({ length: Math.min(10, count - watchers.length) }, (_, at) =>
      watcher(watchers.length + at),
    );
    watchers.push(...(await Promise.all(group)));
  }
  const witness = new Witness(watchers);
  await sleep(20_000); // caches fill
  witness.look();
  console.log(`in peace: longest waits ${describe(witness.waits.splice(0))} ms`);
  const before = await held();
  const until = performance.now() + minutes * 60_000;
  const looking = setInterval(() => witness.look(), checkMs);
  const names = Object.keys(attacks);
  const waits: number[] = [];
  while (performance.now() < until) {
    const chosen = Array.from({ length: 1 + random(2) }, () => names[random(names.length)] ?? "");
    await Promise.all(chosen.map((name) => attacks[name]?.()));
    const seen = witness.waits.splice(0);
    waits.push(...seen);
    console.log(`${chosen.join(" and ")}: longest waits ${describe(seen)} ms, ${witness.breaks.length} breaks`);
  }
  clearInterval(looking);
  witness.look();
  await asMallory.delete(target);
  console.log(
    `${minutes} minutes, ${count} watchers: longest waits of each watcher in each ${checkMs / 1000} s ${describe(waits)} ms`,
  );
  console.log(
    witness.breaks.length === 0 ? "no frame was lost or repeated, no socket closed" : witness.breaks.join("\n"),
  );
  await sleep(60_000); // what is held ends, and memory is collected
  const after = await held();
  for (const [name, now] of Object.entries(after)) {
    const { descriptors, mb } = before[name] ?? now;
    console.log(
      `${name}: descriptors ${descriptors} before, ${now.descriptors} after; ${mb} MB before, ${now.mb} after`,
    );
  }
  for (const { viewer } of watchers) await viewer.close();
} finally {
  await cluster.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
