import type { LiveMaintenance } from "@tapedeck/live";
import type { Logger } from "@tapedeck/runtime";
import type { Venue } from "./venues/venue.js";

export interface InstrumentListsOptions {
  readonly venues: Readonly<Record<string, Venue>>;
  readonly maintenance: Pick<LiveMaintenance, "sourcesWithOldLists" | "storeSymbols">;
  readonly log: Logger;
}

/** A venue that could not be asked is asked again after this long. */
const retryMs = 60_000;

/** Keeps the lists of what the venues trade, of those that somebody wants something of. */
export class InstrumentLists {
  readonly #options: InstrumentListsOptions;
  readonly #asking = new Set<string>();
  readonly #notBefore = new Map<string, number>();
  readonly #closed = new AbortController();

  constructor(options: InstrumentListsOptions) {
    this.#options = options;
  }

  /** Asks for the lists that are missing or old. Does not wait for the venues: other upkeep is not to be held up by them. */
  async refresh(): Promise<void> {
    const { maintenance, venues } = this.#options;
    for (const source of await maintenance.sourcesWithOldLists()) {
      const list = venues[source]?.listSymbols?.bind(venues[source]);
      if (list === undefined || this.#asking.has(source)) continue;
      if (performance.now() < (this.#notBefore.get(source) ?? 0)) continue;
      this.#asking.add(source);
      void this.#ask(source, list).finally(() => this.#asking.delete(source));
    }
  }

  close(): void {
    this.#closed.abort();
  }

  async #ask(source: string, list: (signal: AbortSignal) => Promise<string[]>): Promise<void> {
    const { maintenance, log } = this.#options;
    try {
      const symbols = await list(this.#closed.signal);
      await maintenance.storeSymbols(source, symbols);
      log.info({ source, symbols: symbols.length }, "instruments listed");
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#notBefore.set(source, performance.now() + retryMs);
      log.warn({ err: error, source }, "no list of the venue's instruments: any symbol is tried");
    }
  }
}
