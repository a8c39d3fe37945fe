import type { SessionView, TapeOverview, TapeView, tapedeck } from "@tapedeck/client";

const points = 1200;
const refreshMs = 5000;

type Part = { readonly tape: TapeView | undefined; readonly overview: TapeOverview | undefined };

/** Keeps what the scrubber shows of the session's tape; of a growing tape anew every few seconds. */
export class TapeDescription {
  #cluster: ReturnType<typeof tapedeck>;
  #tell: (part: Part) => void;
  #tape: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(cluster: ReturnType<typeof tapedeck>, tell: (part: Part) => void) {
    this.#cluster = cluster;
    this.#tell = tell;
  }

  show({ tape, mode }: SessionView): void {
    if (tape === this.#tape) return;
    this.#tape = tape;
    clearTimeout(this.#timer);
    this.#tell({ tape: undefined, overview: undefined });
    // A simulated market has no end that could be drawn.
    if (tape !== null && mode !== "SIMULATION") void this.#load(tape);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#tape = null;
  }

  async #load(id: string): Promise<void> {
    try {
      const [tape, overview] = await Promise.all([
        this.#cluster.tapes.get(id),
        this.#cluster.tapes.overview(id, { points }),
      ]);
      if (id !== this.#tape) return;
      this.#tell({ tape, overview });
      if (tape.growing) this.#timer = setTimeout(() => void this.#load(id), refreshMs);
    } catch {
      // The cluster is away for the moment, or the tape was only just begun.
      if (id === this.#tape) this.#timer = setTimeout(() => void this.#load(id), refreshMs);
    }
  }
}
