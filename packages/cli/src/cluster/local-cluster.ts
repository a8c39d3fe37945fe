import { randomBytes } from "node:crypto";
import { access, chmod, constants, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isLoopback, stripCredentials } from "@tapedeck/runtime";
import { isFolder, makeFolders, writeFailureReason } from "@tapedeck/tape";
import { codeOf, UserError } from "../user-error.js";
import { ClusterFile, type ClusterSnapshot } from "./cluster-file.js";
import { type ClusterOptions, type ServiceKind, serviceKinds } from "./options.js";
import { freePort } from "./ports.js";
import { requireRedis } from "./require-redis.js";
import { findRunningCluster } from "./running-cluster.js";
import { ClusterService, type Service } from "./service.js";
import { SupervisedProcess } from "./supervised-process.js";

/** Where each process is one file (scripts/bundle-processes.mjs), from src/ and dist/ alike. */
const built = new URL("../../../../dist/", import.meta.url);

/** Time that each process has for a tidy end before it is killed. */
const stopBudgetMs = 8000;
const stopped = "the cluster was stopped while it started";

/** A running cluster of real processes on this machine. */
export interface Cluster {
  readonly url: string;
  readonly redisUrl: string;
  readonly store: string;
  readonly gateways: readonly Service[];
  readonly apis: readonly Service[];
  readonly tickers: readonly Service[];
  readonly feeds: readonly Service[];
  /** Undefined where the cluster runs without. */
  readonly balancer: { readonly pid: number } | undefined;
  /** One more service; resolves when it serves. */
  add(kind: ServiceKind, env?: NodeJS.ProcessEnv): Promise<Service>;
  /** Ends everything in order: the way in first, Redis last. Safe to call twice. */
  stop(): Promise<void>;
  /** Ends services and balancer at once, and Redis when its data is on disk. Safe to call while it stops. */
  kill(): Promise<void>;
}

/**
 * Starts Redis (unless one is given), services and balancer, each as a process of its own, and resolves when all serve.
 *
 * @throws Problem where the person at the terminal can mend it: no Redis, port taken, folder not writable
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new LocalCluster(options);
  await cluster.start();
  return cluster;
}

/** A cluster that can be told to end while it starts: then `start` rejects. */
export class LocalCluster implements Cluster {
  url = "";
  redisUrl: string;
  readonly store: string;
  #options: ClusterOptions;
  #folder: string;
  #file: ClusterFile;
  #services: ClusterService[] = [];
  #counts = new Map<ServiceKind, number>();
  #redis: SupervisedProcess | undefined;
  #balancer: SupervisedProcess | undefined;
  #stopping: Promise<void> | undefined;
  /** Whether the folder is ours: another cluster's cluster.json must survive our refusal to start. */
  #owner = false;
  /** cluster.json appears when all serve, so that whoever waits for it finds them all. */
  #whole = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#folder = resolve(options.folder);
    this.#file = new ClusterFile(this.#folder);
    this.store = isFolder(options.store) ? resolve(options.store) : options.store;
    this.redisUrl = options.redisUrl ?? "";
  }

  get gateways(): readonly Service[] {
    return this.#of("gateway");
  }
  get apis(): readonly Service[] {
    return this.#of("api");
  }
  get tickers(): readonly Service[] {
    return this.#of("ticker");
  }
  get feeds(): readonly Service[] {
    return this.#of("feed");
  }

  get balancer(): { readonly pid: number } | undefined {
    return this.#balancer;
  }

  async start(): Promise<void> {
    try {
      await this.#startAll();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #startAll(): Promise<void> {
    const { gateways = 2, apis = 2, tickers = 2, feeds = 1, balancer = true } = this.#options;
    await this.#prepareFolders();
    await this.#closeToOthers();
    await this.#refuseSecond();
    this.#owner = true;
    if (balancer) await this.#startBalancer(); // first, since a port that is taken should not cost a whole start
    await this.#startRedis();
    await this.#options.prepare?.();
    const counts: Record<ServiceKind, number> = { gateway: gateways, api: apis, ticker: tickers, feed: feeds };
    await Promise.all(serviceKinds.flatMap((kind) => Array.from({ length: counts[kind] }, () => this.add(kind))));
    if (!balancer) this.url = this.apis[0]?.url ?? "";
    if (this.#stopping) throw new Error(stopped);
    this.#whole = true;
    await this.#changed();
  }

  async add(kind: ServiceKind, env: NodeJS.ProcessEnv = {}): Promise<Service> {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `${kind}-${count}`;
    const { env: given = {}, prefix = "tapedeck", host = "127.0.0.1" } = this.#options;
    const process_ = this.#supervise(name, new URL(`${kind}.js`, built), () => ({
      ...process.env,
      REDIS_URL: this.redisUrl,
      TAPEDECK_PREFIX: prefix,
      TAPEDECK_STORE: this.store,
      HOST: "127.0.0.1",
      PORT: "0",
      // What a balancer for others lets in was asked by names of its own.
      ...(!isLoopback(host) && { ALLOWED_HOSTS: process.env.ALLOWED_HOSTS || "*" }),
      // A successor must not be taken for the one that died.
      NODE_ID: `${name}-${randomBytes(2).toString("hex")}`,
      TRUSTED_PROXIES: "127.0.0.1,::1",
      LEGACY_MODE_GUESS: "on",
      // The balancer does not ask, it is told by us; a developer does not want to wait for viewers that are leaving.
      UNREADY_MS: "100",
      DRAIN_MS: "500",
      ...given.all,
      ...given[kind],
      ...env,
    }));
    const service = new ClusterService(kind, process_);
    this.#services.push(service);
    await process_.start();
    return service;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  kill(): Promise<void> {
    for (const { process } of this.#services) process.kill();
    this.#balancer?.kill();
    return this.stop();
  }

  async #stopAll(): Promise<void> {
    const stopKind = (kind: ServiceKind) =>
      Promise.all(this.#services.filter((s) => s.kind === kind).map((s) => s.process.stop(stopBudgetMs)));
    // Gateways close their sockets through the balancer; tickers give their leases back to a Redis that still answers.
    await Promise.all([stopKind("gateway"), stopKind("ticker"), stopKind("feed")]);
    await stopKind("api");
    await this.#balancer?.stop(stopBudgetMs);
    await this.#redis?.stop(stopBudgetMs);
    if (this.#owner) await this.#file.remove();
  }

  async #prepareFolders(): Promise<void> {
    const tapes = isFolder(this.store) ? [this.store] : [];
    for (const folder of [this.#folder, ...tapes, join(this.#folder, "redis"), join(this.#folder, "logs")]) {
      try {
        await makeFolders(folder);
        await access(folder, constants.W_OK);
      } catch (error) {
        throw new UserError(
          `Cannot write to ${folder} (${writeFailureReason(error)}): make it writable for this user, or name another by TAPEDECK_FOLDER or TAPEDECK_STORE.`,
        );
      }
    }
  }

  /** Logs name users and what they do, and Redis's files hold their sessions. A folder that others put things into stays as it is. */
  async #closeToOthers(): Promise<void> {
    const inside = await readdir(this.#folder);
    const own = inside.every((name) => ["redis", "logs", "tapes", "cluster.json"].includes(name));
    for (const folder of [...(own ? [this.#folder] : []), join(this.#folder, "redis"), join(this.#folder, "logs")]) {
      await chmod(folder, 0o700).catch(ignoreForeign);
    }
  }

  /** Two clusters in one folder would overwrite each other's Redis data. */
  async #refuseSecond(): Promise<void> {
    const other = await findRunningCluster(this.#folder);
    if (!other) return;
    throw new UserError(
      `A cluster of this folder runs already at ${other.url} (process ${other.pid}): use that one, or end it first.`,
    );
  }

  async #startBalancer(): Promise<void> {
    const { port = 8000, host = "127.0.0.1" } = this.#options;
    let bound = port;
    const balancer = this.#supervise("balancer", new URL("balancer.js", built), () => ({
      ...process.env,
      HOST: host,
      PORT: String(bound),
      NODE_ID: "balancer",
    }));
    this.#balancer = balancer;
    await balancer.start();
    this.url = balancer.url ?? "";
    bound = Number(new URL(this.url).port); // a successor takes over the address that people already know
  }

  async #startRedis(): Promise<void> {
    if (this.redisUrl) return requireRedis(this.redisUrl);
    const port = await freePort();
    const redis = this.#supervise("redis", new URL("redis.js", built), () => ({
      ...process.env,
      PORT: String(port),
      REDIS_FOLDER: join(this.#folder, "redis"),
    }));
    this.#redis = redis;
    await redis.start();
    this.redisUrl = redis.url ?? "";
  }

  #supervise(name: string, module: URL, env: () => NodeJS.ProcessEnv): SupervisedProcess {
    if (this.#stopping) throw new Error(stopped); // it would outlive the stop that has passed its kind
    return new SupervisedProcess({
      name,
      module,
      env,
      logFile: join(this.#folder, "logs", `${name}.log`),
      restart: this.#options.restart ?? true,
      onChange: () => {
        this.#changed().catch((error: unknown) => this.#tell(`cluster.json was not written: ${String(error)}`));
      },
      tell: (sentence) => this.#tell(sentence),
    });
  }

  async #changed(): Promise<void> {
    const up = (services: readonly Service[]) => services.filter(({ ready }) => ready);
    const backends = { apis: up(this.apis).map((s) => s.url), gateways: up(this.gateways).map((s) => s.url) };
    if (this.#balancer?.ready) this.#balancer.send({ type: "backends", ...backends });
    if (this.#whole && !this.#stopping) await this.#file.write(() => this.#snapshot());
  }

  #snapshot(): ClusterSnapshot {
    const listening = (services: readonly Service[]) =>
      services.filter(({ ready }) => ready).map(({ url, pid }) => ({ url, pid }));
    const working = (services: readonly Service[]) => services.filter(({ ready }) => ready).map(({ pid }) => ({ pid }));
    return {
      url: this.url,
      redis: stripCredentials(this.redisUrl),
      gateways: listening(this.gateways),
      apis: listening(this.apis),
      tickers: working(this.tickers),
      feeds: working(this.feeds),
      store: this.store,
      pid: process.pid,
    };
  }

  #of(kind: ServiceKind): readonly Service[] {
    return this.#services.filter((service) => service.kind === kind);
  }

  #tell(sentence: string): void {
    this.#options.tell?.(sentence);
  }
}

/** A folder of another user, in which this one may write, is not ours to close. */
function ignoreForeign(error: unknown): void {
  if (codeOf(error) !== "EPERM") throw error;
}
