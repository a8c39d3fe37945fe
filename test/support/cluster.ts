import { randomBytes } from "node:crypto";
import { type EventEmitter, once } from "node:events";
import { appendFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type ClusterOptions, type Service, startCluster } from "@tapedeck/cli";
import { clusterAddress, type RedisConnection, sentinelOptions } from "@tapedeck/runtime";
import { decodeRecord, type Keys, keysWith, type SessionRecord } from "@tapedeck/sessions";
import { Redis, Cluster as RedisCluster } from "ioredis";
import { test as base, inject } from "vitest";
import { Http } from "./http.js";
import { note } from "./note.js";
import { RestartableRedis } from "./redis-server.js";
import { soon } from "./soon.js";
import { type RecordingName, Tapes } from "./tapes.js";
import type { Truth } from "./truth.js";
import { Viewer, type ViewerOptions } from "./viewer.js";

/** One session under watch. */
export interface Watched {
  readonly id: string;
  readonly viewers: readonly Viewer[];
  readonly truth: Truth;
}

/** One of several users, each with one socket. */
export interface User {
  readonly id: string;
  readonly viewer: Viewer;
  readonly truth: Truth;
}

/** Tests that share one cluster a file: `test("...", async ({ cluster }) => ...)`. */
export function testOnCluster(options: () => TestClusterOptions = () => ({}), scope: "file" | "worker" = "file") {
  return base.extend<{ cluster: TestCluster }>({
    cluster: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures needed from this pattern
      async ({}, use) => {
        const cluster = await TestCluster.start(options());
        try {
          await use(cluster);
        } finally {
          await cluster.stop();
        }
      },
      { scope },
    ],
  });
}

/**
 * Tests that share one cluster with all files of their part that import the returned function: to start one takes 4 s of CPU time. So they
 * leave it as they found it, but for sessions. It has a Redis of its own, since the run's ends before the process that runs the files.
 */
export function testOnSharedCluster(options: TestClusterOptions = {}) {
  return testOnCluster(() => ({ ...options, ownRedis: "forgets" }), "worker");
}

export const test = testOnCluster();

export interface TestClusterOptions
  extends Pick<ClusterOptions, "env" | "gateways" | "apis" | "tickers" | "feeds" | "venues" | "redisUrl" | "restart"> {
  /** A Redis of its own, which a test may stop and start, instead of the run's. */
  readonly ownRedis?: "forgets" | "keeps its data";
}

/** A real cluster of processes on the run's Redis, under a prefix of its own. */
export class TestCluster {
  readonly tapes: Tapes;
  readonly keys: Keys;
  readonly prefix: string;
  readonly redis: RedisConnection;
  /** Each call goes to the next api. */
  readonly http: Http;
  /** Through the balancer. */
  readonly balanced: Http;
  /** Present where one was asked for. */
  readonly ownRedis: RestartableRedis | undefined;
  readonly #cluster: Cluster;
  readonly #folder: string;
  readonly #viewers = new Set<Viewer>();
  #nextGateway = 0;

  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { env, ...counts } = options;
    const ownRedis = options.ownRedis
      ? new RestartableRedis({ keepsData: options.ownRedis === "keeps its data" })
      : undefined;
    await ownRedis?.start();
    const tapes = new Tapes(inject("tapeStore"));
    await tapes.recorded("usdm");
    const prefix = `test-${randomBytes(6).toString("hex")}`;
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-cluster-"));
    try {
      const cluster = await startCluster({
        feeds: 0, // few files watch anything live
        venues: 0, // and few trade
        ...counts,
        port: 0,
        redisUrl: ownRedis?.url ?? options.redisUrl ?? inject("redisUrl"),
        prefix,
        store: tapes.folder,
        folder,
        env: {
          ...env,
          gateway: { UNREADY_MS: "100", DRAIN_MS: "5000", ...env?.gateway },
          all: {
            DEFAULT_TAPE: "usdm",
            SIMULATION_WARM_UP: "off",
            LOG_LEVEL: process.env.LOG_LEVEL ?? "info",
            ...env?.all,
          },
        },
        tell: (sentence) => appendFileSync(join(folder, "messages.log"), `${sentence}\n`),
      });
      return new TestCluster(cluster, tapes, prefix, folder, ownRedis);
    } catch (error) {
      await ownRedis?.dispose();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(
    cluster: Cluster,
    tapes: Tapes,
    prefix: string,
    folder: string,
    ownRedis: RestartableRedis | undefined,
  ) {
    this.ownRedis = ownRedis;
    this.#cluster = cluster;
    this.#folder = folder;
    this.tapes = tapes;
    this.prefix = prefix;
    this.keys = keysWith(prefix);
    this.redis = connectTo(cluster.redisUrl);
    const events: EventEmitter = this.redis;
    events.on("error", () => {}); // some tests restart it
    this.http = new Http(cluster.apis.map(({ url }) => url));
    this.balanced = new Http([cluster.url]);
  }

  get gateways(): readonly Service[] {
    return this.#cluster.gateways;
  }
  get apis(): readonly Service[] {
    return this.#cluster.apis;
  }
  get tickers(): readonly Service[] {
    return this.#cluster.tickers;
  }
  get feeds(): readonly Service[] {
    return this.#cluster.feeds;
  }
  get venues(): readonly Service[] {
    return this.#cluster.venues;
  }
  get redisUrl(): string {
    return this.#cluster.redisUrl;
  }
  get url(): string {
    return this.#cluster.url;
  }
  /** Where the logs of its processes are, and cluster.json. */
  get folder(): string {
    return this.#folder;
  }

  /** All processes that clients can connect to: gateways, apis, and the balancer. */
  get endpoints(): readonly { readonly url: string; readonly pid: number }[] {
    const { balancer, url } = this.#cluster;
    return [...this.gateways, ...this.apis, ...(balancer ? [{ url, pid: balancer.pid }] : [])];
  }

  /** A socket on the next gateway. */
  async watch(sessionId: string | undefined, options: Partial<ViewerOptions> = {}): Promise<Viewer> {
    const urls = this.gateways.map(({ url }) => url);
    const first = this.#nextGateway++ % urls.length;
    const gateways = [...urls.slice(first), ...urls.slice(0, first)];
    const viewer = await Viewer.watch({ gateways, sessionId, ...options });
    this.#viewers.add(viewer);
    return viewer;
  }

  /** A new session on a real recording, playing, with a socket on each gateway. */
  async watched(
    body: Record<string, unknown>,
    { tape = "usdm", start = true }: { tape?: RecordingName; start?: boolean } = {},
  ): Promise<Watched> {
    const truth = await this.recording(tape);
    const { session_id: id } = await this.http.create({ tape, ...body });
    const viewers = await Promise.all(this.gateways.map(() => this.watch(id)));
    if (start) await this.http.control(id, "start");
    return { id, viewers, truth };
  }

  /** Three users on three tapes, each watching through the next gateway. */
  async threeUsers({ start = true } = {}): Promise<[User, User, User]> {
    const user = async (tape: RecordingName): Promise<User> => {
      const truth = await this.recording(tape);
      const { session_id: id } = await this.http.create({ tape });
      const viewer = await this.watch(id);
      if (start) await this.http.control(id, "start");
      return { id, viewer, truth };
    };
    return [await user("usdm"), await user("eth"), await user("aapl")];
  }

  /** Closes the sockets and deletes the sessions. */
  async end(...sessions: ({ id: string; viewers?: readonly Viewer[] } | User)[]): Promise<void> {
    for (const session of sessions) {
      const viewers = "viewer" in session ? [session.viewer] : (session.viewers ?? []);
      await Promise.all(viewers.map((viewer) => viewer.close()));
      for (const viewer of viewers) this.#viewers.delete(viewer);
      await this.http.delete(session.id);
    }
  }

  async recording(name: RecordingName): Promise<Truth> {
    await this.tapes.recorded(name);
    return this.tapes.truth(name);
  }

  truthOf(tape: string | null): Promise<Truth> {
    if (tape === null) throw new Error("the session has no tape");
    return this.tapes.truth(tape);
  }

  /** The session's hash, as it lies in Redis. */
  async record(id: string): Promise<SessionRecord> {
    return decodeRecord(await this.redis.hgetall(this.keys.session(id)));
  }

  /** All keys of Redis that bear the session's name. */
  async keysOf(id: string): Promise<string[]> {
    const found: string[] = [];
    const servers = this.redis instanceof RedisCluster ? this.redis.nodes("master") : [this.redis];
    for (const server of servers) {
      for await (const keys of server.scanStream({ match: `${this.prefix}:*{${id}}*`, count: 500 })) {
        if (Array.isArray(keys)) found.push(...keys);
      }
    }
    return found;
  }

  /** Whether a sorted set still lists the session. */
  async indexed(id: string): Promise<boolean> {
    const sets = [this.keys.expiry, this.keys.created];
    for (const mode of ["REPLAY", "LIVE", "SIMULATION"]) sets.push(this.keys.mode(mode));
    for (const state of ["STOPPED", "PLAYING", "PAUSED"]) sets.push(this.keys.state(state));
    const scores = await Promise.all(sets.map((set) => this.redis.zscore(set, id)));
    return scores.some((score) => score !== null);
  }

  async anchorOf(id: string): Promise<{ ns: number; wallMs: number; speed: number }> {
    const { anchorNs, anchorWallMs, speed } = await this.record(id);
    return { ns: anchorNs, wallMs: anchorWallMs, speed };
  }

  /** One more service; resolves when it serves. */
  add(kind: Service["kind"], env?: NodeJS.ProcessEnv): Promise<Service> {
    return this.#cluster.add(kind, env);
  }

  /** Signals a service by its recorded pid. */
  signal(service: Service, signal: NodeJS.Signals): void {
    service.child.kill(signal);
  }

  /** Waits until a service has ended, and every service serves again. */
  async untilAllReady(ms = 30_000): Promise<void> {
    const services = () => [...this.gateways, ...this.apis, ...this.tickers, ...this.feeds, ...this.venues];
    await this.until(() => services().every(({ ready }) => ready), "all services to serve", ms);
  }

  async ended(service: Service): Promise<void> {
    const { child } = service;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }

  /** Polls a condition 20 times a second. */
  async until(check: () => boolean | Promise<boolean>, what: string, ms: number = soon.timeout): Promise<void> {
    const deadline = performance.now() + ms;
    while (!(await check())) {
      if (performance.now() > deadline) throw new Error(`${what} did not happen within ${ms} ms`);
      await sleep(50);
    }
  }

  /** A number worth keeping: printed, and added to the run's report. */
  note(line: string): void {
    note(line);
  }

  /** The end of each service's log, for a test that failed. */
  async log(name: string): Promise<string> {
    return readFile(join(this.#folder, "logs", `${name}.log`), "utf8");
  }

  async stop(): Promise<void> {
    try {
      await Promise.all([...this.#viewers].map((viewer) => viewer.close()));
      await this.#cluster.stop();
      if (!this.ownRedis) await this.#sweep();
    } finally {
      await this.#cluster.kill();
      this.redis.disconnect();
      await this.ownRedis?.dispose();
      if (!process.env.TAPEDECK_KEEP_LOGS) await rm(this.#folder, { recursive: true, force: true });
      else console.log(`logs are in ${this.#folder}`);
    }
  }

  /** Takes this cluster's keys out of the shared Redis. */
  async #sweep(): Promise<void> {
    if (this.redis instanceof RedisCluster) return; // only this test uses it
    for await (const keys of this.redis.scanStream({ match: `${this.prefix}:*`, count: 500 })) {
      if (Array.isArray(keys) && keys.length > 0) await this.redis.unlink(...keys);
    }
  }
}

function connectTo(url: string): RedisConnection {
  const address = clusterAddress(url);
  if (address !== undefined) return new RedisCluster(address.nodes, { redisOptions: address.options });
  const behindSentinel = sentinelOptions(url);
  return behindSentinel === undefined ? new Redis(url) : new Redis(behindSentinel);
}
