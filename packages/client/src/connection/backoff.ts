export interface BackoffLimits {
  /** Bound of the first wait, in milliseconds. */
  readonly backoffMs: number;
  /** Bound of every wait. */
  readonly maxBackoffMs: number;
}

/**
 * Milliseconds to wait after so many failures in a row. Full jitter: anywhere below a bound that doubles each time, so that
 * the clients of a node that died do not all come to the next one at once.
 *
 * @param random from 0 to 1
 */
export function backoff(failures: number, random: number, { backoffMs, maxBackoffMs }: BackoffLimits): number {
  return random * Math.min(maxBackoffMs, backoffMs * 2 ** (failures - 1));
}
