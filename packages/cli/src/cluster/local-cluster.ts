import { randomBytes } from "node:crypto";
import { access, chmod, constants, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  connectRedis,
  createLogger,
  isLoopback,
  RedisNotReady,
  readyWithin,
  redactAddress,
  stripCredentials,
} from "@tapedeck/runtime";
import { isFolder, makeFolders, writeFailureReason } from "@tapedeck/tape";
import { codeOf, UserError } from "../user-error.js";
import { ClusterFile, type ClusterSnapshot, findRunningCluster } from "./cluster-file.js";
import { type ClusterOptions, type ServiceKind, serviceKinds } from "./options.js";
import { freePort } from "./ports.js";
import { SupervisedProcess, type SupervisedProcessOptions } from "./supervised-process.js";

/** The folder with one file per process (scripts/bundle-processes.mjs); the path is the same from src/ and dist/. */
const built = new URL("../../../../dist/", import.meta.url);

/** How long each process may take to end before it is killed. */
const stopBudgetMs = 8000;
/** How long a Redis that is given may take to answer. */
const redisTimeoutMs = 5_000;
const stopped = "the cluster was stopped while it started";

/** One api, gateway, ticker, feed or venue of the cluster. */
export class Service extends SupervisedProcess {
  readonly kind: ServiceKind;

  constructor(kind: ServiceKind, options: SupervisedProcessOptions) {
    super(options);
    this.kind = kind;
  }
}

/** A running cluster of real processes on this machine. */
export interface Cluster {
  readonly url: string;
  readonly redisUrl: string;
  readonly store: string;
  readonly gateways: readonly Service[];
  readonly apis: readonly Service[];
  readonly tickers: readonly Service[];
  readonly feeds: readonly Service[];
  readonly venues: readonly Service[];
  /** Undefined if the cluster runs without one. */
  readonly balancer: { readonly pid: number } | undefined;
  /** Adds a service; resolves when it serves. */
  add(kind: ServiceKind, env?: NodeJS.ProcessEnv): Promise<Service>;
  /** Ends everything in order: gateways first, Redis last. Safe to call twice. */
  stop(): Promise<void>;
  /** Ends services and balancer at once, and Redis when its data is on disk. Safe to call while it stops. */
  kill(): Promise<void>;
}

/**
 * Starts Redis (unless one is given), services and balancer, each as a process of its own, and resolves when all serve.
 *
 * @throws UserError for what the user can fix: no Redis, port in use, folder not writable
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new LocalCluster(options);
  await cluster.start();
  return cluster;
}

/** A cluster that can be stopped while it starts: then `start` rejects. */
export class LocalCluster implements Cluster {
  url = "";
  redisUrl: string;
  readonly store: string;
  #options: ClusterOptions;
  #folder: string;
  #file: ClusterFile;
  #services: Service[] = [];
  #counts = new Map<ServiceKind, number>();
  #redis: SupervisedProcess | undefined;
  #balancer: SupervisedProcess | undefined;
  #stopping: Promise<void> | undefined;
  /** Whether the folder is ours: if another cluster uses it, its cluster.json must stay. */
  #owner = false;
  /** cluster.json appears when all processes serve, so that programs that wait for it find all of them. */
  #complete = false;

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
  get venues(): readonly Service[] {
    return this.#of("venue");
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
    const { gateways = 2, apis = 2, tickers = 2, feeds = 1, venues = 1, balancer = true } = this.#options;
    await this.#prepareFolders();
    await this.#restrictPermissions();
    await this.#refuseSecondCluster();
    this.#owner = true;
    if (balancer) await this.#startBalancer(); // first, so that a port in use is reported before the long start
    await this.#startRedis();
    await this.#options.prepare?.();
    const counts: Record<ServiceKind, number> = {
      ...{ gateway: gateways, api: apis, ticker: tickers, feed: feeds, venue: venues },
    };
    await Promise.all(serviceKinds.flatMap((kind) => Array.from({ length: counts[kind] }, () => this.add(kind))));
    if (!balancer) this.url = this.apis[0]?.url ?? "";
    if (this.#stopping) throw new Error(stopped);
    this.#complete = true;
    await this.#changed();
  }

  async add(kind: ServiceKind, env: NodeJS.ProcessEnv = {}): Promise<Service> {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `${kind}-${count}`;
    const { env: given = {}, prefix = "tapedeck", host = "127.0.0.1" } = this.#options;
    const options = this.#supervised(name, new URL(`${kind}.js`, built), () => ({
      ...process.env,
      REDIS_URL: this.redisUrl,
      TAPEDECK_PREFIX: prefix,
      TAPEDECK_STORE: this.store,
      HOST: "127.0.0.1",
      PORT: "0",
      // A balancer that admits other machines checks the host names itself.
      ...(!isLoopback(host) && { ALLOWED_HOSTS: process.env.ALLOWED_HOSTS || "*" }),
      // A restarted process must not be mistaken for the one that died.
      NODE_ID: `${name}-${randomBytes(2).toString("hex")}`,
      TRUSTED_PROXIES: "127.0.0.1,::1",
      LEGACY_MODE_GUESS: "on",
      // The supervisor informs the balancer at once. Few viewers move within milliseconds; with hundreds, the others need this time.
      UNREADY_MS: "100",
      DRAIN_MS: "5000",
      ...given.all,
      ...given[kind],
      ...env,
    }));
    const service = new Service(kind, options);
    this.#services.push(service);
    await service.start();
    return service;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  kill(): Promise<void> {
    for (const service of this.#services) service.kill();
    this.#balancer?.kill();
    return this.stop();
  }

  async #stopAll(): Promise<void> {
    const stopKind = (kind: ServiceKind) =>
      Promise.all(this.#services.filter((s) => s.kind === kind).map((s) => s.stop(stopBudgetMs)));
    // Gateways and venues close their sockets through the balancer; tickers give their leases back to a Redis that still answers.
    await Promise.all([stopKind("gateway"), stopKind("venue"), stopKind("ticker"), stopKind("feed")]);
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
          `Cannot write to ${folder} (${writeFailureReason(error)}): make it writable for this user, or set TAPEDECK_FOLDER or TAPEDECK_STORE to another.`,
        );
      }
    }
  }

  /** Logs show what users do, and Redis's files contain their sessions. A folder that contains anything else stays as it is. */
  async #restrictPermissions(): Promise<void> {
    const inside = await readdir(this.#folder);
    const own = inside.every((name) => ["redis", "logs", "tapes", "cluster.json"].includes(name));
    for (const folder of [...(own ? [this.#folder] : []), join(this.#folder, "redis"), join(this.#folder, "logs")]) {
      await chmod(folder, 0o700).catch(ignoreForeignOwner);
    }
  }

  /** Two clusters in one folder would overwrite each other's Redis data. */
  async #refuseSecondCluster(): Promise<void> {
    const other = await findRunningCluster(this.#folder);
    if (!other) return;
    throw new UserError(
      `A cluster already runs in this folder, at ${other.url} (process ${other.pid}): use that one, or stop it first.`,
    );
  }

  async #startBalancer(): Promise<void> {
    const { port = 8000, host = "127.0.0.1" } = this.#options;
    let bound = port;
    const options = this.#supervised("balancer", new URL("balancer.js", built), () => ({
      ...process.env,
      HOST: host,
      PORT: String(bound),
      NODE_ID: "balancer",
    }));
    const balancer = new SupervisedProcess(options);
    this.#balancer = balancer;
    await balancer.start();
    this.url = balancer.url;
    bound = Number(new URL(this.url).port); // a restarted balancer keeps the address that users already know
  }

  async #startRedis(): Promise<void> {
    if (this.redisUrl) return requireRedis(this.redisUrl);
    const port = await freePort();
    const options = this.#supervised("redis", new URL("redis.js", built), () => ({
      ...process.env,
      PORT: String(port),
      REDIS_FOLDER: join(this.#folder, "redis"),
    }));
    const redis = new SupervisedProcess(options);
    this.#redis = redis;
    await redis.start();
    this.redisUrl = redis.url;
  }

  #supervised(name: string, module: URL, env: () => NodeJS.ProcessEnv): SupervisedProcessOptions {
    if (this.#stopping) throw new Error(stopped); // the stop that is under way would miss it
    return {
      name,
      module,
      env,
      logFile: join(this.#folder, "logs", `${name}.log`),
      restart: this.#options.restart ?? true,
      onChange: () => {
        this.#changed().catch((error: unknown) => this.#tell(`cluster.json was not written: ${String(error)}`));
      },
      tell: (sentence) => this.#tell(sentence),
    };
  }

  async #changed(): Promise<void> {
    const up = (services: readonly Service[]) => services.filter(({ ready }) => ready);
    const urls = (services: readonly Service[]) => up(services).map(({ url }) => url);
    const backends = { apis: urls(this.apis), gateways: urls(this.gateways), venues: urls(this.venues) };
    if (this.#balancer?.ready) this.#balancer.send({ type: "backends", ...backends });
    if (this.#complete && !this.#stopping) await this.#file.write(() => this.#snapshot());
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
      venues: listening(this.venues),
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

/** A folder of another user, in which this user may write, keeps its permissions. */
function ignoreForeignOwner(error: unknown): void {
  if (codeOf(error) !== "EPERM") throw error;
}

/** @throws UserError if Redis does not answer or cannot be used */
async function requireRedis(url: string): Promise<void> {
  const log = createLogger({ service: "up", node: "up", level: "silent" });
  const redis = connectRedis({ url, purpose: "commands", name: "up", log });
  try {
    await readyWithin(redisTimeoutMs, redis);
  } catch (error) {
    const address = redactAddress(url);
    const fault = error instanceof RedisNotReady ? error.fault : undefined;
    throw new UserError(
      fault === undefined
        ? `Redis at ${address} (REDIS_URL) does not answer: start it, or unset REDIS_URL so that the cluster runs its own.`
        : `Redis at ${address} (REDIS_URL) cannot be used: ${fault.problem} (${fault.cause}). To fix it: ${fault.remedy}.`,
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}
