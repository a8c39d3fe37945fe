import { randomBytes } from "node:crypto";
import { limits, RefusedError, refuse, shareRole } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Principal } from "./principal.js";
import type { SessionOwnership } from "./session-permissions.js";
import { tokenRefusal } from "./token.js";

/** `typ` of a share link's token, so that it is never accepted as a user's token, nor the reverse. */
export const shareType = "tapedeck-share";

/** A share link as stored and as shown to the session's owner. */
const share = z.object({
  id: z.string(),
  role: shareRole,
  createdMs: z.int(),
  expiresMs: z.int(),
  createdBy: z.string(),
});
export type ShareRecord = z.infer<typeof share>;

const claims = z.object({
  jti: z.string(),
  sid: z.string(),
  /** When the session was created, since its id may later belong to another session. */
  ses: z.int(),
  role: shareRole,
  exp: z.int(),
});

/**
 * Signed links to one session. A link is valid if its signature is, until it expires, and while Redis lists it
 * beside its session: removing it from the list revokes it.
 */
export class ShareLinks {
  readonly #redis: RedisConnection;
  readonly #keys: Pick<Keys, "shares">;
  readonly #secret: Uint8Array;
  readonly #now: () => number;

  constructor(redis: RedisConnection, keys: Pick<Keys, "shares">, secret: string, now: () => number = Date.now) {
    this.#redis = redis;
    this.#keys = keys;
    this.#secret = new TextEncoder().encode(secret);
    this.#now = now;
  }

  /**
   * Creates a link. Rejects with `TOO_MANY_SHARES`.
   *
   * @param seconds how long the link is valid
   */
  async create(
    session: SessionOwnership,
    by: string,
    { role, seconds }: { role: z.infer<typeof shareRole>; seconds: number },
  ): Promise<ShareRecord & { readonly token: string }> {
    const now = this.#now();
    const id = randomBytes(9).toString("base64url");
    const record: ShareRecord = { id, role, createdMs: now, expiresMs: now + seconds * 1000, createdBy: by };
    const token = await new SignJWT({ sid: session.id, ses: session.createdAt, role })
      .setProtectedHeader({ alg: "HS256", typ: shareType })
      .setJti(id)
      .setExpirationTime(Math.floor(record.expiresMs / 1000))
      .sign(this.#secret);
    const key = this.#keys.shares(session.id);
    await this.#dropExpired(key);
    // Added first and counted afterwards, so that concurrent requests cannot exceed the limit together.
    await this.#redis.hset(key, id, JSON.stringify(record));
    if ((await this.#redis.hlen(key)) > limits.shares) {
      await this.#redis.hdel(key, id);
      const message = `A session has at most ${limits.shares} share links; revoke one first. Nothing was changed.`;
      throw new RefusedError(refuse("TOO_MANY_SHARES", message));
    }
    await this.#redis.pexpire(key, Math.max(await this.#redis.pttl(key), seconds * 1000));
    return { ...record, token };
  }

  /** The valid links of a session. */
  async list(sessionId: string): Promise<ShareRecord[]> {
    const all = await this.#redis.hvals(this.#keys.shares(sessionId));
    return all.map((text) => share.parse(JSON.parse(text))).filter(({ expiresMs }) => expiresMs > this.#now());
  }

  /** @returns false if there is no such link */
  async revoke(sessionId: string, id: string): Promise<boolean> {
    return (await this.#redis.hdel(this.#keys.shares(sessionId), id)) === 1;
  }

  async #dropExpired(key: string): Promise<void> {
    const ended = Object.values(await this.#redis.hgetall(key))
      .map((text) => share.parse(JSON.parse(text)))
      .filter(({ expiresMs }) => expiresMs <= this.#now());
    if (ended.length > 0) await this.#redis.hdel(key, ...ended.map(({ id }) => id));
  }

  async isValid({ sessionId, id }: { readonly sessionId: string; readonly id: string }): Promise<boolean> {
    return (await this.#redis.hexists(this.#keys.shares(sessionId), id)) === 1;
  }

  /** The holder of a link. Rejects with `UNAUTHORIZED`. */
  async identify(token: string): Promise<Principal> {
    const read = await jwtVerify(token, this.#secret, { algorithms: ["HS256"], typ: shareType }).then(
      ({ payload }) => claims.safeParse(payload),
      (error: unknown) => {
        throw tokenRefusal(error);
      },
    );
    if (!read.success) throw new RefusedError(refuse("UNAUTHORIZED", "The share link is malformed."));
    const { jti: id, sid: sessionId, ses: createdAt, role, exp } = read.data;
    if (!(await this.isValid({ sessionId, id }))) {
      throw new RefusedError(refuse("UNAUTHORIZED", "The share link has been revoked."));
    }
    return { userId: "", role, expiresMs: exp * 1000, share: { id, sessionId, createdAt } };
  }
}
