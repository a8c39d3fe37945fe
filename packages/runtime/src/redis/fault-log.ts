import type { Logger } from "../observability/logger.js";
import { LogThrottle, throttleMs } from "../observability/throttled-log.js";
import type { RedisConnection } from "./connection.js";
import { describeFault, type RedisFault } from "./faults.js";

/** A fault that a person has to fix is logged once a minute, other errors every ten seconds, however often they occur. */
const faultMs = 60_000;

interface FaultLog {
  fault(redis: RedisConnection, fault: RedisFault, fields: object): void;
  error(redis: RedisConnection, error: Error, fields: object): void;
  /** Once all affected connections are usable again, the next fault is logged at once. */
  usable(redis: RedisConnection): void;
}

/** All connections of a process share one logger, and usually the same fault. */
const faultLogs = new WeakMap<Logger, FaultLog>();

export function faultLogOf(log: Logger): FaultLog {
  const known = faultLogs.get(log);
  if (known !== undefined) return known;
  const throttle = new LogThrottle();
  const affected = new Set<RedisConnection>();
  const faultLog: FaultLog = {
    fault(redis, fault, fields) {
      affected.add(redis);
      throttle.run(fault.cause, faultMs, (untold) =>
        log.warn({ cause: fault.cause, ...fields, untold }, `${describeFault(fault)}; retrying`),
      );
    },
    error(redis, error, fields) {
      affected.add(redis);
      const err = { message: error.message, code: "code" in error ? error.code : undefined };
      const ofNode = "of" in fields;
      throttle.run(ofNode ? "node" : "connection", throttleMs, (untold) =>
        log.warn(
          { err, ...fields, untold },
          ofNode ? "connection error at a node of the Redis Cluster" : "no connection to Redis, retrying",
        ),
      );
    },
    usable(redis) {
      affected.delete(redis);
      if (affected.size === 0) throttle.reset();
    },
  };
  faultLogs.set(log, faultLog);
  return faultLog;
}
