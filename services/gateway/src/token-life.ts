/** How long before its token ends a socket is told; of a shorter one after half its time, or it would be replaced again at once. */
const warningMs = 30_000;
/** The longest a timer can be. */
const longestMs = 2 ** 31 - 1;

/** Watches the end of the token that opened a socket. */
export class TokenLife {
  readonly #on: { readonly ending: (expiresMs: number) => void; readonly over: () => void };
  #timers: NodeJS.Timeout[] = [];

  constructor(on: { readonly ending: (expiresMs: number) => void; readonly over: () => void }) {
    this.#on = on;
  }

  /** @param expiresMs when the token ends, in ms since 1970; Infinity for one that does not */
  lastUntil(expiresMs: number): void {
    this.stop();
    if (expiresMs === Number.POSITIVE_INFINITY) return;
    const left = Math.min(Math.max(0, expiresMs - Date.now()), longestMs);
    this.#timers = [
      setTimeout(() => this.#on.ending(expiresMs), left - Math.min(warningMs, left / 2)),
      setTimeout(() => this.#on.over(), left),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
