import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort, type RedisServer, startRedisServer } from "./redis-server.js";

/** A master, its replica, and a sentinel that promotes the replica after the master has been down for a second. */
export class SentinelRedis {
  readonly url: string;
  #master: RedisServer;
  #replica: RedisServer;
  readonly #sentinel: RedisServer;
  readonly #folder: string;

  static async start(): Promise<SentinelRedis> {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-sentinel-"));
    const master = await startRedisServer();
    const replica = await startRedisServer(["--replicaof", "127.0.0.1", portOf(master)]);
    const file = join(folder, "sentinel.conf");
    await writeFile(
      file,
      [
        `sentinel monitor tapedeck 127.0.0.1 ${portOf(master)} 1`,
        "sentinel down-after-milliseconds tapedeck 1000",
        "sentinel failover-timeout tapedeck 5000",
        "",
      ].join("\n"),
    );
    const sentinel = await startSentinel(file);
    const watched = new SentinelRedis(master, replica, sentinel, folder);
    await watched.#untilReplicated();
    return watched;
  }

  private constructor(master: RedisServer, replica: RedisServer, sentinel: RedisServer, folder: string) {
    this.#master = master;
    this.#replica = replica;
    this.#sentinel = sentinel;
    this.#folder = folder;
    this.url = `redis+sentinel://127.0.0.1:${portOf(sentinel)}/tapedeck`;
  }

  /** The server that becomes the master in the failover. */
  get replicaUrl(): string {
    return this.#replica.url;
  }

  /** Of the master, its replica and the sentinel. */
  get pids(): number[] {
    return [this.#master.pid, this.#replica.pid, this.#sentinel.pid];
  }

  /** Kills the master, like a power loss of its machine. */
  killMaster(): void {
    process.kill(this.#master.pid, "SIGKILL");
  }

  /** The master accepts connections but does not answer, like a hanging machine. */
  freezeMaster(): void {
    process.kill(this.#master.pid, "SIGSTOP");
  }

  thawMaster(): void {
    process.kill(this.#master.pid, "SIGCONT");
  }

  /** From now on nothing reaches the replica: the master asks it for a password that it does not know. Connected clients notice nothing. */
  async cutReplicaOff(): Promise<void> {
    const master = new Redis(this.#master.url);
    try {
      await master.config("SET", "requirepass", "unknown to the replica");
      await master.client("KILL", "TYPE", "REPLICA");
    } finally {
      master.disconnect();
    }
  }

  /** Resolves, to the time by `Date.now()`, when the sentinel names the replica as the master. */
  async replaced(): Promise<number> {
    const sentinel = new Redis(this.#sentinel.url);
    try {
      for (;;) {
        const master: unknown = await sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "tapedeck");
        if (Array.isArray(master) && master[1] === portOf(this.#replica)) return Date.now();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      sentinel.disconnect();
    }
  }

  /** After `killMaster`: waits until the replica is the master, and gives it a replica of its own. */
  async replaceMaster(): Promise<void> {
    const dead = this.#master;
    await this.replaced();
    const sentinel = new Redis(this.#sentinel.url);
    try {
      this.#master = this.#replica;
      this.#replica = await startRedisServer(["--replicaof", "127.0.0.1", portOf(this.#master)]);
      await dead.stop();
      // It names the replica before its failover is over; a reset meanwhile would make it watch the dead one for ever.
      while (!(await this.#watches(sentinel, this.#master))) await new Promise((resolve) => setTimeout(resolve, 50));
      // Until the old one is forgotten, Sentinel could promote it.
      await sentinel.call("SENTINEL", "RESET", "tapedeck");
    } finally {
      sentinel.disconnect();
    }
    await this.#untilReplicated();
  }

  async #watches(sentinel: Redis, { url }: RedisServer): Promise<boolean> {
    const fields: unknown = await sentinel.call("SENTINEL", "MASTER", "tapedeck");
    const texts = Array.isArray(fields) ? fields.map(String) : [];
    const [port, flags] = ["port", "flags"].map((name) => texts[texts.indexOf(name) + 1]);
    return port === new URL(url).port && flags === "master";
  }

  async stop(): Promise<void> {
    await this.#sentinel.stop();
    await this.#replica.stop();
    await this.#master.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The sentinel knows the replica, and the replica has what the master has. */
  async #untilReplicated(): Promise<void> {
    const sentinel = new Redis(this.#sentinel.url);
    const replica = new Redis(this.#replica.url);
    try {
      for (;;) {
        const known: unknown = await sentinel.call("SENTINEL", "REPLICAS", "tapedeck");
        const linked = (await replica.info("replication")).includes("master_link_status:up");
        if (Array.isArray(known) && known.length === 1 && linked) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      sentinel.disconnect();
      replica.disconnect();
    }
  }
}

function portOf({ url }: RedisServer): string {
  return new URL(url).port;
}

/** A sentinel with the settings of a file, which it rewrites. */
export async function startSentinel(file: string): Promise<RedisServer> {
  const port = await freePort();
  const child = spawn("redis-server", [file, "--sentinel", "--port", `${port}`, "--bind", "127.0.0.1"], {
    stdio: "ignore",
  });
  const orphaned = () => child.kill("SIGKILL");
  process.once("exit", orphaned);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
      process.off("exit", orphaned);
    },
  };
}
