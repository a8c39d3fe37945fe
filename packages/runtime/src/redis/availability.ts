import type { EventEmitter } from "node:events";
import { Cluster, Redis } from "ioredis";
import type { Health } from "../node/health.js";
import type { Logger } from "../observability/logger.js";
import { onMastersReplaced } from "./cluster-watch.js";
import type { RedisConnection } from "./connection.js";
import { faultLogOf } from "./fault-log.js";
import { describeFault, faultFromError, isInProtectedMode, type RedisFault } from "./faults.js";

/*
 * Whether a connection can be used, and why not. ioredis calls a connection to a replica `ready`, and has no state for a Redis that is
 * loading its data or requires a password.
 */

interface Availability {
  usable: boolean;
  fault: RedisFault | undefined;
  /** The last error that is not a known fault. */
  error: Error | undefined;
}

const availabilities = new WeakMap<RedisConnection, Availability>();
/** Emitted by a connection when its availability has changed. */
const changed = "tapedeck:availability";

/** Why this connection cannot be used; undefined if it can. */
function unavailableReason(redis: RedisConnection): string | undefined {
  const availability = availabilities.get(redis);
  if (availability?.usable ?? redis.status === "ready") return undefined;
  return availability?.fault === undefined ? "no connection to Redis" : describeFault(availability.fault);
}

/** The known fault of this connection, if it has one. */
export function currentFault(redis: RedisConnection): RedisFault | undefined {
  return availabilities.get(redis)?.fault;
}

/** Resolves when the connection is usable, at once if it is already. */
export async function untilReady(redis: RedisConnection): Promise<void> {
  const events: EventEmitter = redis;
  while (unavailableReason(redis) !== undefined) {
    await new Promise<void>((resolve) => events.once(availabilities.has(redis) ? changed : "ready", resolve));
  }
}

/**
 * Calls `listener` each time the connection is usable again after an interruption, and on a Redis Cluster each time masters have been
 * replaced. Returns the function that stops it.
 */
export function onUsableAgain(redis: RedisConnection, listener: () => void): () => void {
  const events: EventEmitter = redis;
  let first = redis.status !== "ready";
  const onReady = (): void => {
    if (first) first = false;
    else listener();
  };
  events.on("ready", onReady);
  const stopWatching = redis instanceof Cluster ? onMastersReplaced(redis, listener) : undefined;
  return () => {
    events.off("ready", onReady);
    stopWatching?.();
  };
}

/** Redis did not become usable, with the known fault if there is one. */
export class RedisNotReady extends Error {
  override readonly name = "RedisNotReady";
  readonly fault: RedisFault | undefined;

  constructor(fault: RedisFault | undefined, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** For programs that should not wait: rejects with `RedisNotReady` at the first fault or error, or after `ms` without any answer. */
export async function readyWithin(ms: number, redis: RedisConnection): Promise<void> {
  const events: EventEmitter = redis;
  await new Promise<void>((resolve, reject) => {
    const check = (): void => {
      const { fault, error } = availabilities.get(redis) ?? {};
      if (unavailableReason(redis) === undefined) resolve();
      else if (fault !== undefined) reject(new RedisNotReady(fault, describeFault(fault)));
      else if (error !== undefined) reject(new RedisNotReady(undefined, error.message));
    };
    events.on(changed, check);
    setTimeout(() => reject(new RedisNotReady(undefined, `no answer within ${ms / 1000} s`)), ms).unref();
    check();
  });
}

/**
 * Keeps the part `redis` of a node's health. The node is unready until Redis has been usable once, since it cannot do anything yet. A later
 * outage only degrades it: no other replica would do better.
 */
export function reportRedisHealth(redis: RedisConnection, health: Health): void {
  const events: EventEmitter = redis;
  let usedBefore = false;
  const check = (): void => {
    const reason = unavailableReason(redis);
    if (reason === undefined) {
      usedBefore = true;
      health.set("redis", "ok");
    } else
      health.set("redis", usedBefore ? "degraded" : "unready", `${reason}; commands are refused until it is usable`);
  };
  events.on(changed, check);
  check();
}

/** After this long without being ready, Redis is asked whether it is loading its data. */
const loadingMs = 1000;
const roleEveryMs = 1000;

interface TrackOptions {
  readonly purpose: string;
  /** Whether the connection must check that its Redis is a master: sentinels and Clusters know their masters. */
  readonly needsMaster: boolean;
  readonly log: Logger;
}

/** Keeps the availability of a connection, and logs its faults: one line per cause, however many connections have it. */
export function trackAvailability(redis: RedisConnection, { purpose, needsMaster, log }: TrackOptions): void {
  const events: EventEmitter = redis;
  const availability: Availability = { usable: false, fault: undefined, error: undefined };
  availabilities.set(redis, availability);
  const faultLog = faultLogOf(log);
  let logged = false;

  const set = (usable: boolean, fault: RedisFault | undefined, error?: Error): void => {
    availability.usable = usable;
    availability.fault = fault;
    availability.error = error;
    events.emit(changed);
  };
  const onUsable = (): void => {
    set(true, undefined);
    if (logged) log.info({ redis: purpose }, "connected to Redis again");
    logged = false;
    faultLog.usable(redis);
  };
  const onFault = (fault: RedisFault, fields: object = {}): void => {
    logged = true;
    faultLog.fault(redis, fault, { redis: purpose, ...fields });
    if (redis.status !== "ready" || needsMaster) set(false, fault);
  };
  const onError = async (error: Error, node?: string): Promise<void> => {
    const fault = faultFromError(error) ?? (await protectedModeFault(redis, error, node));
    const fields = node === undefined ? {} : { of: node };
    if (fault !== undefined) return onFault(fault, fields);
    logged = true;
    if (redis.status !== "ready") set(false, undefined, error);
    faultLog.error(redis, error, { redis: purpose, ...fields });
  };
  events.on("error", (error: Error) => void onError(error));
  events.on("node error", (error: Error, node: string) => void onError(error, node));
  events.on("close", () => set(false, availability.fault, availability.error));
  events.on("ready", () => {
    if (needsMaster && redis instanceof Redis) whenMaster(redis, onUsable, onFault);
    else onUsable();
  });
  if (redis instanceof Redis) events.on("connect", () => detectLoading(redis, onFault));
}

/** A replica answers everything but writes. It may become the master while we are connected to it. */
function whenMaster(redis: Redis, onUsable: () => void, onFault: (fault: RedisFault) => void): void {
  const ask = async (): Promise<void> => {
    const [role] = await redis.role().catch(() => [undefined]); // perhaps ROLE is not permitted: then it counts as a master
    if (redis.status !== "ready") return;
    if (role !== "slave") return onUsable();
    const fault = faultFromError(new Error("READONLY"));
    if (fault !== undefined) onFault(fault);
    setTimeout(() => void ask(), roleEveryMs).unref();
  };
  void ask();
}

/** ioredis waits silently while Redis loads its data. */
function detectLoading(redis: Redis, onFault: (fault: RedisFault) => void): void {
  const ask = async (): Promise<void> => {
    if (redis.status !== "connect") return;
    const info = await redis.info("persistence").catch(() => "");
    if (/^loading:1\b/m.test(info) && redis.status === "connect") {
      const fault = faultFromError(new Error("LOADING"));
      if (fault !== undefined) onFault(fault);
    }
  };
  setTimeout(() => void ask(), loadingMs).unref();
}

/** @param node `host:port` of the Cluster node that the error is from */
async function protectedModeFault(
  redis: RedisConnection,
  error: Error,
  node: string | undefined,
): Promise<RedisFault | undefined> {
  if (!("code" in error) || (error.code !== "EPIPE" && error.code !== "ECONNRESET")) return undefined;
  const { host, port } = node === undefined ? addressOf(redis) : splitAddress(node);
  if (host === undefined || port === undefined || !(await isInProtectedMode(host, port))) return undefined;
  return faultFromError(new Error("DENIED"));
}

function addressOf(redis: RedisConnection): { host?: string | undefined; port?: number | undefined } {
  if (!(redis instanceof Redis)) return {};
  const { host, port, tls, sentinels } = redis.options;
  return tls || sentinels ? {} : { host, port };
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
