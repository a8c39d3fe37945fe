import type { Logger } from "./logger.js";

const quietMs = 10_000;

/** A log for errors that come in hundreds when Redis goes: the first is written, then one in ten seconds with their number. */
export function throttledLog(log: Logger): { warn(fields: object, message: string): void } {
  let toldAt = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return {
    warn(fields, message) {
      const now = performance.now();
      if (now - toldAt < quietMs) {
        untold++;
        return;
      }
      log.warn({ ...fields, untold }, message);
      toldAt = now;
      untold = 0;
    },
  };
}
