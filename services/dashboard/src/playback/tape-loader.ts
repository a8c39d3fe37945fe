import type { ClusterClient, SessionView, TapeOverview, TapeView } from "@tapedeck/client";

const points = 1200;
const refreshMs = 5000;

type Loaded = { readonly tape: TapeView | undefined; readonly overview: TapeOverview | undefined };

/** Loads what the scrubber shows of the session's tape, and reloads it every few seconds while the tape grows. */
export class TapeLoader {
  #cluster: ClusterClient;
  #onLoaded: (loaded: Loaded) => void;
  #tape: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(cluster: ClusterClient, onLoaded: (loaded: Loaded) => void) {
    this.#cluster = cluster;
    this.#onLoaded = onLoaded;
  }

  show({ tape: name, mode }: SessionView): void {
    const tape = name === null ? null : marketOf(name);
    if (tape === this.#tape) return;
    this.#tape = tape;
    clearTimeout(this.#timer);
    this.#onLoaded({ tape: undefined, overview: undefined });
    // A simulated market has no end, and so no overview.
    if (tape !== null) void this.#load(tape, mode !== "SIMULATION");
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#tape = null;
  }

  async #load(id: string, withOverview: boolean): Promise<void> {
    try {
      const [tape, overview] = await Promise.all([
        this.#cluster.tapes.get(id),
        withOverview ? this.#cluster.tapes.overview(id, { points }) : undefined,
      ]);
      if (id !== this.#tape) return;
      this.#onLoaded({ tape, overview });
      if (tape.growing) this.#timer = setTimeout(() => void this.#load(id, withOverview), refreshMs);
    } catch {
      // The cluster is unavailable for a moment, or the tape has only just begun.
      if (id === this.#tape) this.#timer = setTimeout(() => void this.#load(id, withOverview), refreshMs);
    }
  }
}

/** The tape's name without its fork: a fork of a simulated tape shows the same market with the same past. */
export function marketOf(tape: string): string {
  return tape.replace(/~[^@]*/, "");
}
