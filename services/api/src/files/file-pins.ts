import { createHash } from "node:crypto";
import type { RedisConnection } from "@tapedeck/runtime";
import { type Keys, orUnavailable } from "@tapedeck/sessions";

/** A client that begins again within this time gets the same file, so that its requests may come together. */
const freshMs = 5_000;
/** A file counts as being read for so long after a part of it was asked for: beginning again then does not change it. */
const readingMs = 1_500;
/** But not for ever: others may read all the time in the name of this client, behind a proxy that is not trusted. */
const longestMs = 60_000;
/** A reader that pauses for longer gets a newer file. */
const idleMs = 600_000;

/**
 * A growing tape's file has another footer with each frame, while DuckDB and Polars read it in several requests that do not say which content they
 * began with. So Redis remembers which one each client reads, for all nodes. All rejects with `UNAVAILABLE` while Redis is away.
 */
export class FilePins {
  readonly #redis: RedisConnection;
  readonly #keys: Pick<Keys, "filePin">;
  readonly #now: () => number;

  constructor(redis: RedisConnection, keys: Pick<Keys, "filePin">, now: () => number = Date.now) {
    this.#redis = redis;
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * The tag of the file that a client began to read; undefined if it has not.
   *
   * @param reader names the client and what it asks for
   */
  async goOn(reader: string): Promise<string | undefined> {
    const key = this.#keyOf(reader);
    const pin = await this.#read(key);
    if (pin === undefined) return undefined;
    const reading = this.#redis.set(`${key}:reading`, "1", "PX", readingMs);
    await orUnavailable(Promise.all([reading, this.#redis.pexpire(key, idleMs)]));
    return pin.tag;
  }

  /**
   * The tag of the file that a client begins to read.
   *
   * @param newest that of the file as it would be now
   */
  async begin(reader: string, newest: () => Promise<string>): Promise<string> {
    const key = this.#keyOf(reader);
    const pin = await this.#read(key);
    if (pin === undefined) return this.#begin(key, newest);
    const age = this.#now() - pin.since;
    if (age < freshMs) return pin.tag;
    if (age < longestMs && (await orUnavailable(this.#redis.exists(`${key}:reading`))) === 1) return pin.tag;
    const tag = await newest();
    await orUnavailable(this.#redis.set(key, `${this.#now()} ${tag}`, "PX", idleMs));
    return tag;
  }

  /** Requests that come together get the same one. */
  async #begin(key: string, newest: () => Promise<string>): Promise<string> {
    const tag = await newest();
    const earlier = await orUnavailable(this.#redis.set(key, `${this.#now()} ${tag}`, "PX", idleMs, "NX", "GET"));
    return earlier === null ? tag : (parsePin(earlier)?.tag ?? tag);
  }

  async #read(key: string): Promise<{ readonly tag: string; readonly since: number } | undefined> {
    const text = await orUnavailable(this.#redis.get(key));
    return text === null ? undefined : parsePin(text);
  }

  #keyOf(reader: string): string {
    return this.#keys.filePin(createHash("sha256").update(reader).digest("hex").slice(0, 32));
  }
}

function parsePin(text: string): { readonly tag: string; readonly since: number } | undefined {
  const [since, tag] = text.split(" ");
  return tag === undefined ? undefined : { tag, since: Number(since) };
}
