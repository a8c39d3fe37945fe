import type { Logger } from "./logger.js";

/** Lets one line per key and interval through, and counts the lines that it suppresses. */
export class LogThrottle {
  readonly #lines = new Map<string, { at: number; suppressed: number }>();

  /** @param write gets the number of lines suppressed since the last one with this key */
  run(key: string, intervalMs: number, write: (suppressed: number) => void): void {
    const now = performance.now();
    const last = this.#lines.get(key);
    if (last !== undefined && now - last.at < intervalMs) {
      last.suppressed++;
      return;
    }
    write(last?.suppressed ?? 0);
    this.#lines.set(key, { at: now, suppressed: 0 });
  }

  /** Lets the next line of each key through. */
  reset(): void {
    this.#lines.clear();
  }
}

export const throttleMs = 10_000;

/** For warnings that come in hundreds when Redis is away: writes the first, then one every ten seconds with the number suppressed. */
export function throttledLog(log: Logger): { warn(fields: object, message: string): void } {
  const throttle = new LogThrottle();
  return {
    warn: (fields, message) => throttle.run("", throttleMs, (untold) => log.warn({ ...fields, untold }, message)),
  };
}
