import type { BookChanges } from "@tapedeck/protocol";

/** Between these prices the book has every level. */
export interface KnownPrices {
  readonly low: number;
  readonly high: number;
}

const allKnown: KnownPrices = { low: -Infinity, high: Infinity };

/** Receives the levels of a book as a chunk is played. */
export interface BookVisitor {
  /** All levels are gone; new ones follow. */
  clear(): void;
  /** A level has this size now; 0 if it is gone. `level` is its number in the chunk. */
  set(level: number, size: number): void;
}

interface ChunkLine {
  /** The frame that shows the book with this line. */
  readonly seq: number;
  readonly whole: boolean;
  /** Where its changes end. */
  readonly end: number;
  readonly known: KnownPrices;
}

/** The whole book over some frames: as the first one shows it, and what each later one changes. Levels are numbered, so that it is played quickly. */
export class DepthChunk {
  /** By number of the level. */
  readonly prices: number[] = [];
  readonly #numbers = { bids: new Map<number, number>(), asks: new Map<number, number>() };
  readonly #lines: ChunkLine[] = [];
  /** Of each change: the level's number, and its size. */
  readonly #levels: number[] = [];
  readonly #sizes: number[] = [];

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** The frame whose whole book it begins with. */
  get first(): number {
    return this.#lines[0]?.seq ?? Infinity;
  }

  /** The last frame whose book is known. */
  get through(): number {
    return this.#lines.at(-1)?.seq ?? -Infinity;
  }

  /** Of the last book. */
  get knownAtEnd(): KnownPrices | undefined {
    return this.#lines.at(-1)?.known;
  }

  /** Adds a line of `/tapes/{id}/book/changes`. Lines come in the order of frames. */
  add({ seq, whole, bids, asks, known_low, known_high }: BookChanges): void {
    this.#addSide(this.#numbers.bids, bids);
    this.#addSide(this.#numbers.asks, asks);
    const before = this.#lines.at(-1)?.known ?? allKnown;
    const known: KnownPrices = {
      low: known_low === undefined ? before.low : (numberOf(known_low) ?? -Infinity),
      high: known_high === undefined ? before.high : (numberOf(known_high) ?? Infinity),
    };
    this.#lines.push({ seq, whole, end: this.#levels.length, known });
  }

  #addSide(numbers: Map<number, number>, side: BookChanges["bids"]): void {
    for (const [price, size] of side) {
      const at = Number(price);
      let number = numbers.get(at);
      if (number === undefined) {
        number = this.prices.length;
        this.prices.push(at);
        numbers.set(at, number);
      }
      this.#levels.push(number);
      this.#sizes.push(Number(size));
    }
  }

  /** Plays the book from its beginning. */
  play(visitor: BookVisitor): ChunkPlayer {
    return new ChunkPlayer(this.#lines, this.#levels, this.#sizes, visitor);
  }

  /** The book as a frame shows it, its levels in no order. */
  bookAt(seq: number): {
    readonly levels: readonly (readonly [price: number, size: number])[];
    readonly known: KnownPrices;
  } {
    const sizes = new Map<number, number>();
    const player = this.play({ clear: () => sizes.clear(), set: (level, size) => sizes.set(level, size) });
    player.to(seq);
    const levels = Array.from(sizes, ([level, size]) => [this.prices[level] ?? 0, size] as const);
    return { levels: levels.filter(([, size]) => size > 0), known: player.known };
  }
}

/** Plays the lines of a chunk up to one frame after the other. */
class ChunkPlayer {
  /** Of the last line that was played. */
  known: KnownPrices = allKnown;
  readonly #lines: readonly ChunkLine[];
  readonly #levels: readonly number[];
  readonly #sizes: readonly number[];
  readonly #visitor: BookVisitor;
  #line = 0;
  #at = 0;

  constructor(lines: readonly ChunkLine[], levels: readonly number[], sizes: readonly number[], visitor: BookVisitor) {
    this.#lines = lines;
    this.#levels = levels;
    this.#sizes = sizes;
    this.#visitor = visitor;
  }

  // HOT: once for each level that changes, for each frame that is drawn.
  /** Plays on to the book that a frame shows. */
  to(seq: number): void {
    for (;;) {
      const line = this.#lines[this.#line];
      if (line === undefined || line.seq > seq) return;
      if (line.whole) this.#visitor.clear();
      for (; this.#at < line.end; this.#at++) {
        this.#visitor.set(this.#levels[this.#at] ?? 0, this.#sizes[this.#at] ?? 0);
      }
      this.known = line.known;
      this.#line++;
    }
  }
}

function numberOf(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}
