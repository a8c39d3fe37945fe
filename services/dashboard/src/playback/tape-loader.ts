import type { SessionView, TapeOverview, TapeView, tapedeck } from "@tapedeck/client";
import { marketOf } from "./market-of";

const points = 1200;
const refreshMs = 5000;

type Part = { readonly tape: TapeView | undefined; readonly overview: TapeOverview | undefined };

/** Keeps what the scrubber shows of the session's tape; of a growing tape anew every few seconds. */
export class TapeLoader {
  #cluster: ReturnType<typeof tapedeck>;
  #tell: (part: Part) => void;
  #tape: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(cluster: ReturnType<typeof tapedeck>, tell: (part: Part) => void) {
    this.#cluster = cluster;
    this.#tell = tell;
  }

  show({ tape: name, mode }: SessionView): void {
    const tape = name === null ? null : marketOf(name);
    if (tape === this.#tape) return;
    this.#tape = tape;
    clearTimeout(this.#timer);
    this.#tell({ tape: undefined, overview: undefined });
    if (tape !== null) void this.#load(tape, mode !== "SIMULATION");
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#tape = null;
  }

  /** A simulated market has no end that could be drawn: it is described, but without a line. */
  async #load(id: string, drawn: boolean): Promise<void> {
    try {
      const [tape, overview] = await Promise.all([
        this.#cluster.tapes.get(id),
        drawn ? this.#cluster.tapes.overview(id, { points }) : undefined,
      ]);
      if (id !== this.#tape) return;
      this.#tell({ tape, overview });
      if (tape.growing) this.#timer = setTimeout(() => void this.#load(id, drawn), refreshMs);
    } catch {
      // The cluster is away for the moment, or the tape was only just begun.
      if (id === this.#tape) this.#timer = setTimeout(() => void this.#load(id, drawn), refreshMs);
    }
  }
}
