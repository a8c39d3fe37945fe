import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort, type RedisServer, startRedisServer } from "./redis-server.js";

/** After this long without an answer a master counts as dead. */
const nodeTimeoutMs = 1500;
const slots = 16_384;

interface Node {
  readonly server: RedisServer;
  readonly port: number;
  /** Nodes talk to one another there. By default it is 10,000 above the other, which may be too much. */
  readonly busPort: number;
  readonly admin: Redis;
}

/** A Redis Cluster of real servers on 127.0.0.1: masters that share the slots, and perhaps a replica of the first. */
export class RedisClusterServers {
  readonly url: string;
  readonly #masters: readonly Node[];
  readonly #replicas: readonly Node[];

  static async start({ masters = 3, replicas = 0, settings = [] as string[] } = {}): Promise<RedisClusterServers> {
    const nodes = await Promise.all(Array.from({ length: masters + replicas }, () => startNode(settings)));
    const cluster = new RedisClusterServers(nodes.slice(0, masters), nodes.slice(masters));
    try {
      await cluster.#meet();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(masters: readonly Node[], replicas: readonly Node[]) {
    this.#masters = masters;
    this.#replicas = replicas;
    this.url = `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
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
  }

  /** Ends a master at once, as a machine that loses its power does. */
  kill(nth: number): void {
    const pid = this.#masters[nth]?.server.pid;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  async stop(): Promise<void> {
    const all = [...this.#masters, ...this.#replicas];
    for (const { admin } of all) admin.disconnect();
    await Promise.all(all.map(({ server }) => server.stop()));
  }

  #firstSlot(nth: number): number {
    return Math.round((nth * slots) / this.#masters.length);
  }

  async #meet(): Promise<void> {
    const [first, ...others] = this.#masters;
    if (first === undefined) return;
    for (const [nth, { admin }] of this.#masters.entries()) {
      // An epoch of its own from the start, which they would have to agree on otherwise.
      await admin.cluster("SET-CONFIG-EPOCH", nth + 1);
      await admin.call("CLUSTER", "ADDSLOTSRANGE", this.#firstSlot(nth), this.#firstSlot(nth + 1) - 1);
    }
    for (const { admin } of [...others, ...this.#replicas]) {
      await admin.call("CLUSTER", "MEET", "127.0.0.1", first.port, first.busPort);
    }
    await this.#until("cluster_known_nodes", this.#masters.length + this.#replicas.length);
    const masterId = String(await first.admin.cluster("MYID"));
    for (const { admin } of this.#replicas) await admin.cluster("REPLICATE", masterId);
    await this.#until("cluster_slots_ok", slots);
    for (const { admin } of this.#replicas) {
      while (!(await admin.info("replication")).includes("master_link_status:up")) await sleep(50);
    }
  }

  /** Every node says that it is in order, and knows so many of what a field of CLUSTER INFO counts. */
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

async function startNode(settings: readonly string[]): Promise<Node> {
  const busPort = await freePort();
  const server = await startRedisServer([
    ...["--cluster-enabled", "yes", "--cluster-port", `${busPort}`],
    ...["--cluster-node-timeout", `${nodeTimeoutMs}`, "--cluster-require-full-coverage", "no"],
    ...settings,
  ]);
  const admin = new Redis(server.url);
  admin.on("error", () => {}); // a test may kill its server
  return { server, port: Number(new URL(server.url).port), busPort, admin };
}
