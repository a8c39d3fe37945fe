import type { EventEmitter } from "node:events";
import { Redis } from "ioredis";
import type { Logger } from "../observability/logger.js";
import type { RedisConnection } from "./connect.js";
import { faultLogOf } from "./fault-log.js";
import { describeFault, faultFromError, isInProtectedMode, type RedisFault } from "./faults.js";

/*
 * Whether a connection can be used, and why not. ioredis calls one `ready` whose Redis is a replica, and has no word for a Redis that
 * loads its data or asks for a password.
 */

interface State {
  usable: boolean;
  trouble: RedisFault | undefined;
  /** The last thing that went wrong, where it is not known by name. */
  error: Error | undefined;
}

const states = new WeakMap<RedisConnection, State>();

/** Why this connection cannot be used; undefined where it can. */
export function unavailableReason(redis: RedisConnection): string | undefined {
  const state = states.get(redis);
  if (state?.usable ?? redis.status === "ready") return undefined;
  return state?.trouble === undefined ? "no connection to Redis" : describeFault(state.trouble);
}

/** What is known to be wrong with it, where that is more than that there is no connection. */
export function currentFault(redis: RedisConnection): RedisFault | undefined {
  return states.get(redis)?.trouble;
}

/** Calls `listener` whenever `whyAway` may have another answer. */
export function onAvailabilityChange(redis: RedisConnection, listener: () => void): void {
  const events: EventEmitter = redis;
  events.on(changed, listener);
}

/** Resolves when the connection is usable, at once if it is already. */
export async function untilReady(redis: RedisConnection): Promise<void> {
  const events: EventEmitter = redis;
  while (unavailableReason(redis) !== undefined) {
    await new Promise<void>((resolve) => events.once(states.has(redis) ? changed : "ready", resolve));
  }
}

/** A Redis that cannot be used now, and perhaps why. */
export class RedisNotReady extends Error {
  override readonly name = "RedisUnusable";
  readonly fault: RedisFault | undefined;

  constructor(trouble: RedisFault | undefined, message: string) {
    super(message);
    this.fault = trouble;
  }
}

/** For programs that do not want to wait: rejects with `RedisUnusable` when something is wrong, or nothing is heard for so long. */
export async function readyWithin(ms: number, redis: RedisConnection): Promise<void> {
  const events: EventEmitter = redis;
  const usable = new Promise<void>((resolve, reject) => {
    const look = (): void => {
      const { trouble, error } = states.get(redis) ?? {};
      if (unavailableReason(redis) === undefined) resolve();
      else if (trouble !== undefined) reject(new RedisNotReady(trouble, describeFault(trouble)));
      else if (error !== undefined) reject(new RedisNotReady(undefined, error.message));
    };
    events.on(changed, look);
    setTimeout(() => reject(new RedisNotReady(undefined, `nothing for ${ms / 1000} s`)), ms).unref();
    look();
  });
  await usable;
}

const changed = "tapedeck:state";
/** After so long without being ready, Redis is asked whether it is loading its data. */
const loadingMs = 1000;
const roleEveryMs = 1000;

export interface WatchOptions {
  /** What the connection is for. */
  readonly purpose: string;
  /** Whether it is of use with a master alone, and has to see for itself that it has one: sentinels and Clusters know theirs. */
  readonly needsMaster: boolean;
  readonly log: Logger;
}

/** Keeps the state of a connection, and reports its trouble: one line for each cause, however many connections have it. */
export function trackAvailability(redis: RedisConnection, { purpose, needsMaster, log }: WatchOptions): void {
  const events: EventEmitter = redis;
  const state: State = { usable: false, trouble: undefined, error: undefined };
  states.set(redis, state);
  const report = faultLogOf(log);
  let told = false;

  const set = (usable: boolean, trouble: RedisFault | undefined, error?: Error): void => {
    state.usable = usable;
    state.trouble = trouble;
    state.error = error;
    events.emit(changed);
  };
  const use = (): void => {
    set(true, undefined);
    if (told) log.info({ redis: purpose }, "connected to Redis again");
    told = false;
    report.usable(redis);
  };
  const suffer = (trouble: RedisFault, fields: object = {}): void => {
    told = true;
    report.fault(redis, trouble, { redis: purpose, ...fields });
    if (redis.status !== "ready" || needsMaster) set(false, trouble);
  };
  const hear = async (error: Error, of?: string): Promise<void> => {
    const trouble = faultFromError(error) ?? (await deniedBy(redis, error, of));
    if (trouble !== undefined) return suffer(trouble, of === undefined ? {} : { of });
    told = true;
    if (redis.status !== "ready") set(false, undefined, error);
    report.error(redis, error, { redis: purpose, ...(of !== undefined && { of }) });
  };
  events.on("error", (error: Error) => void hear(error));
  events.on("node error", (error: Error, of: string) => void hear(error, of));
  events.on("close", () => set(false, state.trouble, state.error));
  events.on("ready", () => {
    if (needsMaster && redis instanceof Redis) whenMaster(redis, use, suffer);
    else use();
  });
  if (redis instanceof Redis) events.on("connect", () => whileLoading(redis, suffer));
}

/** A replica answers everything but writes. One may become the master while we are connected to it. */
function whenMaster(redis: Redis, use: () => void, suffer: (trouble: RedisFault) => void): void {
  const ask = async (): Promise<void> => {
    const [role] = await redis.role().catch(() => [undefined]); // not allowed, perhaps: then it counts as a master
    if (redis.status !== "ready") return;
    if (role !== "slave") return use();
    const trouble = faultFromError(new Error("READONLY"));
    if (trouble !== undefined) suffer(trouble);
    setTimeout(() => void ask(), roleEveryMs).unref();
  };
  void ask();
}

/** ioredis waits in silence for a Redis that loads its data. */
function whileLoading(redis: Redis, suffer: (trouble: RedisFault) => void): void {
  const ask = async (): Promise<void> => {
    if (redis.status !== "connect") return;
    const info = await redis.info("persistence").catch(() => "");
    if (/^loading:1\b/m.test(info) && redis.status === "connect") {
      const trouble = faultFromError(new Error("LOADING"));
      if (trouble !== undefined) suffer(trouble);
    }
  };
  setTimeout(() => void ask(), loadingMs).unref();
}

/** @param of `host:port` of the node of a Cluster whose error it is */
async function deniedBy(redis: RedisConnection, error: Error, of: string | undefined): Promise<RedisFault | undefined> {
  if (!("code" in error) || (error.code !== "EPIPE" && error.code !== "ECONNRESET")) return undefined;
  const { host, port } = of === undefined ? addressOf(redis) : splitAddress(of);
  if (host === undefined || port === undefined || !(await isInProtectedMode(host, port))) return undefined;
  return faultFromError(new Error("DENIED"));
}

function addressOf(redis: RedisConnection): { host?: string | undefined; port?: number | undefined } {
  if (!(redis instanceof Redis)) return {};
  const { host, port, tls, sentinels } = redis.options;
  return tls || sentinels ? {} : { host, port };
}

function splitAddress(of: string): { host: string; port: number } {
  const colon = of.lastIndexOf(":");
  return { host: of.slice(0, colon), port: Number(of.slice(colon + 1)) };
}
