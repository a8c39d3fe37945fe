import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TestCluster, type User } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import "../support/expect.js";
import { type Certificate, RedisClusterServers } from "../support/redis-cluster.js";
import { SentinelRedis } from "../support/sentinel.js";
import type { Viewer } from "../support/viewer.js";

/** Room for a machine with other work; the figure is noted. */
const goesOnWithinMs = 6_000;
/** Viewers who stand for longer than this have got a notice. */
const noticedMs = 2_600;
const sessions = 6;

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Fault {
  readonly name: string;
  readonly cluster: TestCluster;
  /** Sessions on the master that fails. */
  readonly users: readonly User[];
  begin(): void;
  /** When the master has been replaced. */
  replaced(): Promise<number>;
  end(): void;
}

describe("a Redis master that is replaced", { timeout: 180_000 }, () => {
  for (const how of ["dies", "hangs"] as const) {
    test(`[F30] [F31] [F32] under Sentinel, it ${how}: viewers get a notice, and go on once it is replaced; nothing is lost or repeated`, async () => {
      const redis = await SentinelRedis.start();
      undo.push(() => redis.stop());
      const cluster = await TestCluster.start({ apis: 1, redisUrl: redis.url });
      undo.push(() => cluster.stop());
      await checkFailover({
        name: `Sentinel, master ${how}`,
        cluster,
        users: await Promise.all(Array.from({ length: sessions }, () => play(cluster))),
        begin: () => (how === "dies" ? redis.killMaster() : redis.freezeMaster()),
        replaced: () => redis.replaced(),
        end: () => how === "hangs" && redis.thawMaster(),
      });
    });

    test(`[F30] [F31] [F32] in a Redis Cluster of six, one ${how}: viewers get a notice, and go on once it is replaced; nothing is lost or repeated`, async () => {
      const redis = await RedisClusterServers.start({ masters: 3, replicas: 3 });
      undo.push(() => redis.stop());
      const cluster = await TestCluster.start({ apis: 1, redisUrl: redis.url });
      undo.push(() => cluster.stop());
      const ids = await idsOnFirstMaster(redis, cluster);
      await checkFailover({
        name: `Redis Cluster, master ${how}`,
        cluster,
        users: await Promise.all(ids.map((id) => play(cluster, id))),
        begin: () => (how === "dies" ? redis.kill(0) : redis.freeze(0)),
        replaced: () => redis.replaced(0),
        end: () => how === "hangs" && redis.thaw(0),
      });
    });
  }
});

describe("a Redis Cluster with TLS", { timeout: 180_000 }, () => {
  test("[F35] [R24] sessions play and take commands over verified connections, and go on when a master hangs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-tls-"));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const tls = await certificateIn(folder);
    const redis = await RedisClusterServers.start({ masters: 3, replicas: 3, tls });
    undo.push(() => redis.stop());
    // This process reads hashes; what is tested are the services, which verify.
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    undo.push(async () => vi.unstubAllEnvs());
    const verify = { NODE_TLS_REJECT_UNAUTHORIZED: "1", NODE_EXTRA_CA_CERTS: tls.certificate };
    const cluster = await TestCluster.start({ apis: 1, redisUrl: redis.url, env: { all: verify } });
    undo.push(() => cluster.stop());
    await checkFailover({
      name: "Redis Cluster with TLS, master hangs",
      cluster,
      users: await Promise.all((await idsOnFirstMaster(redis, cluster)).map((id) => play(cluster, id))),
      begin: () => redis.freeze(0),
      replaced: () => redis.replaced(0),
      end: () => redis.thaw(0),
    });
  });
});

async function idsOnFirstMaster(redis: RedisClusterServers, cluster: TestCluster): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; ids.length < sessions; n++) {
    if ((await redis.masterOf(cluster.keys.session(`bereft-${n}`))) === 0) ids.push(`bereft-${n}`);
  }
  return ids;
}

/** A self-signed certificate for 127.0.0.1. */
async function certificateIn(folder: string): Promise<Certificate> {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await promisify(execFile)("openssl", [...kind, ...name, "-keyout", key, "-out", certificate]);
  return { key, certificate };
}

async function play(cluster: TestCluster, id?: string): Promise<User> {
  const truth = await cluster.recording("usdm");
  const { session_id } = await cluster.http.create({
    tape: "usdm",
    max_fps: 0,
    ...(id !== undefined && { session_id: id }),
  });
  const viewer = await cluster.watch(session_id);
  await cluster.http.control(session_id, "start");
  await viewer.next(8, 30_000);
  return { id: session_id, viewer, truth };
}

async function checkFailover({ name, cluster, users, begin, replaced, end }: Fault): Promise<void> {
  const pids = () => [...cluster.gateways, ...cluster.apis, ...cluster.tickers].map(({ pid }) => pid);
  const before = pids();
  const began = Date.now();
  begin();
  try {
    const refused = cluster.http.call("POST", `/replay/speed/2/${users[0]?.id}`);
    const at = await replaced();
    expect(await refused).toMatchObject({ status: 503, body: { code: "UNAVAILABLE" } });
    for (const { viewer } of users) {
      await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > at + 4_000, "frames after the failover", 60_000);
    }
    const resumed = users.map(({ viewer }) => resumedAt(viewer, began) - at);
    cluster.note(
      `failover ${name}: replaced after ${at - began} ms; viewers go on, ms after that: ${distribution(resumed)}; ` +
        `longest wait ${distribution(users.map(({ viewer }) => longestWait(viewer, began)))}`,
    );
    for (const { viewer, truth } of users) {
      expect(viewer.closes).toEqual([]);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    expect(Math.max(...resumed)).toBeLessThan(goesOnWithinMs);
    const told = users.map(({ viewer }) => viewer.messagesOf("error").filter(({ code }) => code === "UNAVAILABLE"));
    // An outage that ends after about two seconds may end before the notice.
    const certain = users.map(({ viewer }) => longestWait(viewer, began) > noticedMs);
    expect(told.map(({ length }, at) => (certain[at] ? length : Math.max(length, 1)))).toEqual(users.map(() => 1));
    cluster.note(
      `failover ${name}: notice to viewers, ms after the fault: ${distribution(told.flatMap(([one]) => (one === undefined ? [] : one.at - began)))}`,
    );
    expect(pids()).toEqual(before);
  } finally {
    end();
  }
  for (const { id, viewer } of users) {
    await cluster.until(async () => (await cluster.http.call("POST", `/replay/pause/${id}`)).status === 200, "a pause");
    await viewer.untilSession(({ state }) => state === "PAUSED", "pause");
  }
}

/** When the first frame after the longest wait since a moment came. */
function resumedAt({ frames }: Viewer, since: number): number {
  let [longest, at] = [0, 0];
  for (const [index, frame] of frames.entries()) {
    const before = frames[index - 1];
    if (before === undefined || frame.at <= since || frame.at - before.at <= longest) continue;
    [longest, at] = [frame.at - before.at, frame.at];
  }
  return at;
}

function longestWait({ frames }: Viewer, since: number): number {
  let longest = 0;
  for (const [index, { at }] of frames.entries()) {
    const before = frames[index - 1];
    if (before !== undefined && at > since) longest = Math.max(longest, at - before.at);
  }
  return longest;
}
