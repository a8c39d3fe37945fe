/** Calls `fn` every `ms` milliseconds, first after `ms`. Returns the function that stops it. */
export function interval(fn: () => void, ms: number): () => void {
  const timer = setInterval(fn, ms);
  return () => clearInterval(timer);
}

export interface BackoffLimits {
  /** Upper bound of the first wait, in ms; it doubles with each further failure. */
  readonly firstMs: number;
  /** Upper bound of every wait, in ms. */
  readonly maxMs: number;
  /** The random share of the wait: 1 is full jitter, 0 none. */
  readonly jitter: number;
}

/**
 * Exponential backoff: the wait in ms after the given number of failures in a row, at least 1. Jitter keeps many clients of one server from
 * reconnecting in step.
 *
 * @param random from 0 to 1
 */
export function backoffMs(
  failures: number,
  { firstMs, maxMs, jitter }: BackoffLimits,
  random: number = Math.random(),
): number {
  const limit = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return limit * (1 - jitter) + random * limit * jitter;
}
