import type { LiveMaintenance } from "@tapedeck/live";
import type { Logger } from "@tapedeck/runtime";
import type { Venue } from "./venues/venue.js";

interface InstrumentListsOptions {
  readonly venues: Readonly<Record<string, Venue>>;
  readonly maintenance: Pick<LiveMaintenance, "sourcesWithOldLists" | "storeSymbols">;
  readonly log: Logger;
}

/** Wait after a list could not be fetched. */
const retryMs = 60_000;

/** Keeps the symbol lists up to date of the venues whose feeds are in demand. */
export class InstrumentLists {
  readonly #options: InstrumentListsOptions;
  readonly #fetching = new Set<string>();
  readonly #notBefore = new Map<string, number>();
  readonly #closed = new AbortController();

  constructor(options: InstrumentListsOptions) {
    this.#options = options;
  }

  /** Fetches missing and old lists. Does not wait for the venues, which would hold up other maintenance. */
  async refresh(): Promise<void> {
    const { maintenance, venues } = this.#options;
    for (const source of await maintenance.sourcesWithOldLists()) {
      const list = venues[source]?.listSymbols?.bind(venues[source]);
      if (list === undefined || this.#fetching.has(source)) continue;
      if (performance.now() < (this.#notBefore.get(source) ?? 0)) continue;
      this.#fetching.add(source);
      void this.#fetch(source, list).finally(() => this.#fetching.delete(source));
    }
  }

  close(): void {
    this.#closed.abort();
  }

  async #fetch(source: string, list: (signal: AbortSignal) => Promise<string[]>): Promise<void> {
    const { maintenance, log } = this.#options;
    try {
      const symbols = await list(this.#closed.signal);
      await maintenance.storeSymbols(source, symbols);
      log.info({ source, symbols: symbols.length }, "instruments listed");
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#notBefore.set(source, performance.now() + retryMs);
      log.warn({ err: error, source }, "the venue's list of instruments could not be fetched: any symbol is tried");
    }
  }
}
