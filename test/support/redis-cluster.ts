import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort, type RedisServer, startRedisServer } from "./redis-server.js";

/** After this long without an answer a master counts as dead. */
const nodeTimeoutMs = 1000;
const slots = 16_384;

interface Node {
  readonly server: RedisServer;
  /** Keeps its data and what it knows of the others. */
  readonly folder: string;
  readonly port: number;
  /** For clients with TLS; undefined without. */
  readonly tlsPort: number | undefined;
  /** The port of the cluster bus. The default, `port` plus 10,000, may be too large. */
  readonly busPort: number;
  readonly admin: Redis;
}

/** Files of a certificate for 127.0.0.1 and its key. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

interface RedisClusterOptions {
  readonly masters?: number;
  readonly replicas?: number;
  readonly settings?: readonly string[];
  /** Clients and nodes connect with TLS; the tests' own connections do not. */
  readonly tls?: Certificate;
}

/** A Redis Cluster of real servers on 127.0.0.1: masters that share the slots, and replicas of the first and the next ones. */
export class RedisClusterServers {
  readonly #settings: readonly string[];
  readonly #tls: Certificate | undefined;
  #masters: readonly Node[];
  #replicas: readonly Node[];

  static async start(options: RedisClusterOptions = {}): Promise<RedisClusterServers> {
    const cluster = await RedisClusterServers.startEmpty(options);
    try {
      await cluster.form();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Servers that do not know one another and have no slots. */
  static async startEmpty(options: RedisClusterOptions = {}): Promise<RedisClusterServers> {
    const { masters = 3, replicas = 0, settings = [], tls } = options;
    const nodes = await Promise.all(Array.from({ length: masters + replicas }, () => startNode(settings, tls)));
    return new RedisClusterServers(nodes.slice(0, masters), nodes.slice(masters), settings, tls);
  }

  private constructor(
    masters: readonly Node[],
    replicas: readonly Node[],
    settings: readonly string[],
    tls: Certificate | undefined,
  ) {
    this.#tls = tls;
    this.#masters = masters;
    this.#replicas = replicas;
    this.#settings = settings;
  }

  get url(): string {
    const nodes = this.#masters.map(({ port, tlsPort = port }) => `127.0.0.1:${tlsPort}`).join(",");
    return `${this.#tls === undefined ? "redis" : "rediss"}+cluster://${nodes}`;
  }

  /** As `redis-cli --cluster create` wants them. */
  get addresses(): string[] {
    return [...this.#masters, ...this.#replicas].map(({ port, busPort }) => `127.0.0.1:${port}@${busPort}`);
  }

  /** Of the masters. */
  get ports(): number[] {
    return this.#masters.map(({ port }) => port);
  }

  get masterUrls(): string[] {
    return this.#masters.map(({ server }) => server.url);
  }

  /** Of all servers. */
  get pids(): number[] {
    return [...this.#masters, ...this.#replicas].map(({ server }) => server.pid);
  }

  /** Which master has the slot of a key: its place among `masterUrls`. */
  async masterOf(key: string): Promise<number> {
    const slot = Number(await this.#masters[0]?.admin.cluster("KEYSLOT", key));
    return this.#masters.findIndex((_, nth) => slot < this.#firstSlot(nth + 1));
  }

  /** Gives a slot that holds no keys to another master. */
  async moveSlotOf(key: string, from: number, to: number): Promise<void> {
    const [old, next] = [this.#masters[from]?.admin, this.#masters[to]?.admin];
    if (old === undefined || next === undefined) throw new Error("there are no such masters");
    const slot = Number(await old.cluster("KEYSLOT", key));
    const id = String(await next.cluster("MYID"));
    for (const admin of [next, old]) await admin.call("CLUSTER", "SETSLOT", slot, "NODE", id);
    // The other nodes follow the newest epoch, as after a move by redis-cli.
    await next.call("CLUSTER", "BUMPEPOCH");
  }

  /** Kills a master, like a power loss of its machine. */
  kill(nth: number): void {
    const pid = this.#masters[nth]?.server.pid;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  /** A master accepts connections but does not answer, like a hanging machine. */
  freeze(nth: number): void {
    const pid = this.#masters[nth]?.server.pid;
    if (pid !== undefined) process.kill(pid, "SIGSTOP");
  }

  thaw(nth: number): void {
    const pid = this.#masters[nth]?.server.pid;
    if (pid !== undefined) process.kill(pid, "SIGCONT");
  }

  /** Resolves, to the time by `Date.now()`, when another master knows that a replica has the slots of this one. */
  async replaced(nth: number): Promise<number> {
    const [old, other] = [this.#masters[nth], this.#masters[(nth + 1) % this.#masters.length]];
    for (;;) {
      const map: unknown = await other?.admin.cluster("SLOTS");
      const owners = Array.isArray(map) ? map.map((range) => Number(range[2][1])) : [];
      if (owners.length > 0 && !owners.includes(old?.port ?? 0)) return Date.now();
      await sleep(5);
    }
  }

  /** After `kill`: waits until its replica is the master, and starts it again as the replica of that. */
  async revive(nth: number): Promise<void> {
    const [dead, heir] = [this.#masters[nth], this.#replicas[nth]];
    if (dead === undefined || heir === undefined) throw new Error(`master ${nth} has no replica`);
    while (!(await heir.admin.info("replication")).includes("role:master")) await sleep(50);
    dead.admin.disconnect();
    await dead.server.stop();
    const revived = await startNode(this.#settings, this.#tls, dead.folder);
    this.#masters = this.#masters.map((node) => (node === dead ? heir : node));
    this.#replicas = this.#replicas.map((node) => (node === heir ? revived : node));
    await revived.admin.call("CLUSTER", "MEET", "127.0.0.1", heir.port, heir.busPort);
    while (!(await revived.admin.info("replication")).includes("master_link_status:up")) await sleep(50);
  }

  /** Stops all servers and starts them again with their data at other ports. */
  async moveAll(): Promise<void> {
    const move = async ({ admin, server, folder }: Node): Promise<Node> => {
      admin.disconnect();
      await server.stop();
      return startNode(this.#settings, this.#tls, folder);
    };
    this.#masters = await Promise.all(this.#masters.map(move));
    this.#replicas = await Promise.all(this.#replicas.map(move));
    await this.#meet();
    await this.#until("cluster_slots_ok", slots);
  }

  async stop(): Promise<void> {
    const all = [...this.#masters, ...this.#replicas];
    for (const { admin } of all) admin.disconnect();
    await Promise.all(all.map(({ server }) => server.stop()));
    await Promise.all(all.map(({ folder }) => rm(folder, { recursive: true, force: true })));
  }

  #firstSlot(nth: number): number {
    return Math.round((nth * slots) / this.#masters.length);
  }

  /** Makes a Cluster of the servers, in the order in which `redis-cli --cluster create` does. */
  async form(): Promise<void> {
    await this.assignSlots();
    await this.#meet();
    await this.#until("cluster_known_nodes", this.#masters.length + this.#replicas.length);
    for (const [nth, { admin }] of this.#replicas.entries()) {
      const master = this.#masters[nth % this.#masters.length];
      await admin.cluster("REPLICATE", String(await master?.admin.cluster("MYID")));
    }
    await this.#until("cluster_slots_ok", slots);
    for (const { admin } of this.#replicas) {
      while (!(await admin.info("replication")).includes("master_link_status:up")) await sleep(50);
    }
  }

  /** Gives slots to each master, which does not know the other masters or its own address yet. */
  async assignSlots(): Promise<void> {
    for (const [nth, { admin }] of this.#masters.entries()) {
      const range = [this.#firstSlot(nth), this.#firstSlot(nth + 1) - 1] as const;
      if (String(await admin.cluster("INFO")).includes(`cluster_slots_assigned:${range[1] - range[0] + 1}\r`)) continue;
      // A distinct epoch from the start, so that the masters need not resolve a conflict.
      await admin.cluster("SET-CONFIG-EPOCH", nth + 1);
      await admin.call("CLUSTER", "ADDSLOTSRANGE", ...range);
    }
  }

  /** The smallest number of CLUSTER SLOTS requests that a master has received. */
  async slotRequests(): Promise<number> {
    const stats = await Promise.all(this.#masters.map(({ admin }) => admin.info("commandstats")));
    return Math.min(...stats.map((text) => Number(/cmdstat_cluster\|slots:calls=(\d+)/.exec(text)?.[1] ?? 0)));
  }

  async #meet(): Promise<void> {
    const [first, ...others] = this.#masters;
    if (first === undefined) return;
    for (const { admin } of [...others, ...this.#replicas]) {
      await admin.call("CLUSTER", "MEET", "127.0.0.1", first.tlsPort ?? first.port, first.busPort);
    }
  }

  /** Waits until this field of CLUSTER INFO has this value on every node, and the cluster is in order. */
  async #until(field: string, count: number): Promise<void> {
    for (const { admin } of [...this.#masters, ...this.#replicas]) {
      for (;;) {
        const info = String(await admin.cluster("INFO"));
        const enough = info.includes(`${field}:${count}\r`);
        if (enough && (field !== "cluster_slots_ok" || info.includes("cluster_state:ok"))) break;
        await sleep(50);
      }
    }
  }
}

async function startNode(settings: readonly string[], tls: Certificate | undefined, kept?: string): Promise<Node> {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), "tapedeck-redis-node-")));
  const busPort = await freePort();
  const tlsPort = tls && (await freePort());
  const encrypted = tls && [
    ...["--tls-port", `${tlsPort}`, "--tls-cluster", "yes", "--tls-replication", "yes", "--tls-auth-clients", "no"],
    ...["--tls-cert-file", tls.certificate, "--tls-key-file", tls.key, "--tls-ca-cert-file", tls.certificate],
  ];
  const server = await startRedisServer([
    ...["--dir", folder, "--cluster-enabled", "yes", "--cluster-port", `${busPort}`],
    ...["--cluster-node-timeout", `${nodeTimeoutMs}`, "--cluster-require-full-coverage", "no"],
    ...(encrypted ?? []),
    ...settings,
  ]);
  const admin = new Redis(server.url);
  admin.on("error", () => {}); // a test may kill its server
  return { server, folder, port: Number(new URL(server.url).port), tlsPort, busPort, admin };
}
