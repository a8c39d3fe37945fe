import { createPublicKey, randomBytes, randomInt } from "node:crypto";
import { limits, RefusedError, refuse } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { z } from "zod";
import type { Principal } from "./principal.js";
import type { SessionOwnership } from "./session-permissions.js";

/** A venue key as stored. Its secret has to be readable: an HMAC is checked by computing it again. */
const storedKey = z.object({
  /** Names the key in the audit trail, which has no keys. */
  id: z.string(),
  /** When its session was created, since the session's id may later belong to another one. */
  session: z.int(),
  name: z.string(),
  createdMs: z.int(),
  createdBy: z.string(),
  /** The share link whose holder made it, and when that link ends: the key is valid no longer than the link. */
  share: z.object({ id: z.string(), expiresMs: z.int() }).optional(),
  credential: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("HMAC"), secret: z.string() }),
    /** PEM. */
    z.object({ kind: z.literal("ED25519"), publicKey: z.string() }),
  ]),
});
type StoredVenueKey = z.infer<typeof storedKey>;

export interface VenueKey extends StoredVenueKey {
  readonly apiKey: string;
}

/** Keys outlive their session by no more than this, if nothing else removes them; each use begins it anew. */
const idleMs = 30 * 86_400_000;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** As many characters as Binance's keys and secrets have; some clients check that. */
const keyLength = 64;

/**
 * The keys with which clients of an exchange sign requests to one session's venue. They are kept beside the session and removed with it.
 * A key may do what the venue offers: place orders and read the account, nothing else with the session.
 */
export class VenueKeys {
  readonly #redis: RedisConnection;
  readonly #keys: Pick<Keys, "venueKeys" | "shares">;
  readonly #now: () => number;

  constructor(redis: RedisConnection, keys: Pick<Keys, "venueKeys" | "shares">, now: () => number = Date.now) {
    this.#redis = redis;
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * Makes a key: for HMAC, or for Ed25519 if there is a public key. Rejects with `INVALID_VALUE` or `TOO_MANY_VENUE_KEYS`.
   *
   * @param publicKey PEM
   */
  async create(
    session: SessionOwnership,
    { userId, share, expiresMs }: Principal,
    { name, publicKey }: { readonly name: string; readonly publicKey?: string | undefined },
  ): Promise<VenueKey> {
    const record: StoredVenueKey = {
      id: randomBytes(9).toString("base64url"),
      session: session.createdAt,
      name,
      createdMs: this.#now(),
      createdBy: userId,
      ...(share !== undefined && { share: { id: share.id, expiresMs } }),
      credential:
        publicKey === undefined
          ? { kind: "HMAC", secret: randomText() }
          : { kind: "ED25519", publicKey: ed25519KeyOf(publicKey) },
    };
    const apiKey = randomText();
    const key = this.#keys.venueKeys(session.id);
    await this.#dropFormer(key, session);
    // Added first and counted afterwards, so that concurrent requests cannot exceed the limit together.
    await this.#redis.hset(key, apiKey, JSON.stringify(record));
    if ((await this.#redis.hlen(key)) > limits.venueKeys) {
      await this.#redis.hdel(key, apiKey);
      const message = `A session has at most ${limits.venueKeys} venue keys; remove one first. Nothing was changed.`;
      throw new RefusedError(refuse("TOO_MANY_VENUE_KEYS", message));
    }
    await this.#redis.pexpire(key, idleMs);
    return { ...record, apiKey };
  }

  /** The valid keys of a session, oldest first. */
  async list(session: SessionOwnership): Promise<VenueKey[]> {
    const key = this.#keys.venueKeys(session.id);
    const all = Object.entries(await this.#redis.hgetall(key))
      .map(([apiKey, text]): VenueKey => ({ ...storedKey.parse(JSON.parse(text)), apiKey }))
      .filter((found) => found.session === session.createdAt);
    const valid = await Promise.all(all.map((found) => this.#isValid(session.id, found)));
    return all.filter((_, at) => valid[at]).sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
  }

  /** A session's key, if it is valid. */
  async find(session: SessionOwnership, apiKey: string): Promise<VenueKey | undefined> {
    const key = this.#keys.venueKeys(session.id);
    const text = await this.#redis.hget(key, apiKey);
    if (text === null) return undefined;
    const found: VenueKey = { ...storedKey.parse(JSON.parse(text)), apiKey };
    if (found.session !== session.createdAt || !(await this.#isValid(session.id, found))) return undefined;
    await this.#redis.pexpire(key, idleMs);
    return found;
  }

  /** @returns the removed key's id; undefined if there is no such key */
  async remove(session: SessionOwnership, apiKey: string): Promise<string | undefined> {
    const found = (await this.list(session)).find((each) => each.apiKey === apiKey);
    if (found === undefined) return undefined;
    const removed = await this.#redis.hdel(this.#keys.venueKeys(session.id), apiKey);
    return removed === 1 ? found.id : undefined;
  }

  /** A key that the holder of a share link made ends with that link. */
  async #isValid(sessionId: string, { share }: StoredVenueKey): Promise<boolean> {
    if (share === undefined) return true;
    return share.expiresMs > this.#now() && (await this.#redis.hexists(this.#keys.shares(sessionId), share.id)) === 1;
  }

  /** Keys of an earlier session with this id, and those whose share link has ended. */
  async #dropFormer(key: string, session: SessionOwnership): Promise<void> {
    const stored = await this.#redis.hkeys(key);
    const valid = new Set((await this.list(session)).map(({ apiKey }) => apiKey));
    const former = stored.filter((apiKey) => !valid.has(apiKey));
    if (former.length > 0) await this.#redis.hdel(key, ...former);
  }
}

function randomText(): string {
  return Array.from({ length: keyLength }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** @returns the key as PEM, in its standard form */
function ed25519KeyOf(pem: string): string {
  const message = "public_key: must be an Ed25519 public key as PEM, which begins with -----BEGIN PUBLIC KEY-----";
  const refused = new RefusedError(refuse("INVALID_VALUE", message));
  // A private key would be accepted below, and stored.
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(pem)) throw refused;
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== "ed25519") throw refused;
    return key.export({ type: "spki", format: "pem" }).toString();
  } catch {
    throw refused;
  }
}
