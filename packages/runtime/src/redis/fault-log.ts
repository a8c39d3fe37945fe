import type { Logger } from "../observability/logger.js";
import type { RedisConnection } from "./connect.js";
import { describeFault, type RedisFault } from "./faults.js";

/** A cause that a person has to mend is told once a minute, other errors once in ten seconds, however many there are. */
const quietMs = { cause: 60_000, error: 10_000 } as const;

export interface FaultLog {
  fault(redis: RedisConnection, trouble: RedisFault, fields: object): void;
  error(redis: RedisConnection, error: Error, fields: object): void;
  /** When all that had trouble can be used, what comes next is news. */
  usable(redis: RedisConnection): void;
}

/** All connections of a process have one logger, and mostly the same trouble. */
const reports = new WeakMap<Logger, FaultLog>();

export function faultLogOf(log: Logger): FaultLog {
  const known = reports.get(log);
  if (known !== undefined) return known;
  const lines = new Map<string, { at: number; untold: number }>();
  const suffering = new Set<RedisConnection>();
  const tell = (key: string, quiet: number, write: (untold: number) => void): void => {
    const now = performance.now();
    const last = lines.get(key);
    if (last !== undefined && now - last.at < quiet) {
      last.untold++;
      return;
    }
    write(last?.untold ?? 0);
    lines.set(key, { at: now, untold: 0 });
  };
  const report: FaultLog = {
    fault(redis, trouble, fields) {
      suffering.add(redis);
      tell(trouble.cause, quietMs.cause, (untold) =>
        log.warn({ cause: trouble.cause, ...fields, untold }, `${describeFault(trouble)}; trying on`),
      );
    },
    error(redis, error, fields) {
      suffering.add(redis);
      tell("of" in fields ? "node" : "connection", quietMs.error, (untold) =>
        log.warn(
          { err: { message: error.message, code: "code" in error ? error.code : undefined }, ...fields, untold },
          "of" in fields ? "trouble with a node of the Redis Cluster" : "no connection to Redis, retrying",
        ),
      );
    },
    usable(redis) {
      suffering.delete(redis);
      if (suffering.size === 0) lines.clear();
    },
  };
  reports.set(log, report);
  return report;
}
