import { defineScripts, type RedisConnection } from "@tapedeck/runtime";
import type { Result } from "ioredis";

declare module "ioredis" {
  interface RedisCommander<Context> {
    releaseDead(keys: number, ...keysAndArguments: string[]): Result<number, Context>;
  }
}

/** The file stays in src: the same path leads there from src and from dist. */
const folder = new URL("../src/", import.meta.url);

/** How a queue's keys are named. */
type QueueKey = (name: string) => string;

/**
 * The workers of a queue that are alive: each has a key that lives on only while its worker renews it. So a worker holds all its jobs
 * by one renewal, and a dead one's jobs are found when its key is gone.
 */
export class WorkerRegistry {
  readonly #redis: RedisConnection;
  readonly #key: QueueKey;

  constructor(redis: RedisConnection, key: QueueKey) {
    this.#redis = redis;
    defineScripts(redis, folder, { releaseDead: { file: "release-dead" } });
    this.#key = key;
  }

  async register(worker: string, ms: number): Promise<void> {
    await this.#redis.set(this.#keyOf(worker), "", "PX", ms);
    await this.#redis.sadd(this.#key("workers"), worker);
  }

  /** False if its key is gone. A Redis that is out of memory renews all the same. */
  async renew(worker: string, ms: number): Promise<boolean> {
    return (await this.#redis.pexpire(this.#keyOf(worker), ms)) === 1;
  }

  async remove(worker: string): Promise<void> {
    await this.#redis.del(this.#keyOf(worker));
    await this.#redis.srem(this.#key("workers"), worker);
  }

  /** Workers that have not renewed their keys. */
  async dead(): Promise<string[]> {
    const workers = await this.#redis.smembers(this.#key("workers"));
    const alive = await Promise.all(workers.map((worker) => this.#redis.exists(this.#keyOf(worker))));
    return workers.filter((_, at) => alive[at] === 0);
  }

  /** Releases the jobs of a dead worker, so that the queue's next check for stalled jobs hands them on. Returns how many it had. */
  async release(worker: string): Promise<number> {
    const keys = ["active", "stalled", "stalled-check", "workers"].map((name) => this.#key(name));
    return await this.#redis.releaseDead(keys.length + 1, ...keys, this.#keyOf(worker), this.#key(""), worker);
  }

  #keyOf(worker: string): string {
    return this.#key(`worker:${worker}`);
  }
}
