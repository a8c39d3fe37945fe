/** How long before its token expires a client is warned; after half its lifetime if that is shorter, or clients would renew at once. */
const warningMs = 30_000;
/** The longest delay of a timer. */
const maxTimerMs = 2 ** 31 - 1;

interface TokenExpiryEvents {
  readonly onExpiring: (expiresMs: number) => void;
  readonly onExpired: () => void;
}

/** Watches for the expiry of the token that opened a socket. */
export class TokenExpiry {
  readonly #events: TokenExpiryEvents;
  #timers: NodeJS.Timeout[] = [];

  constructor(events: TokenExpiryEvents) {
    this.#events = events;
  }

  /** @param expiresMs when the token expires, in ms since 1970; Infinity if it does not */
  restart(expiresMs: number): void {
    this.stop();
    if (expiresMs === Number.POSITIVE_INFINITY) return;
    const left = Math.min(Math.max(0, expiresMs - Date.now()), maxTimerMs);
    this.#timers = [
      setTimeout(() => this.#events.onExpiring(expiresMs), left - Math.min(warningMs, left / 2)),
      setTimeout(() => this.#events.onExpired(), left),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
