import type { SourceEvent } from "../../events/source-event.js";
import { ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { type EventStream, type LineParser, lineStream, type ReadContext } from "../format.js";

/** Fewer of the first rows than this share are only a little late: the import puts them in order anyway. */
const leastShare = 0.1;
/** Each chain costs another reading of the file. */
const mostChains = 8;

/**
 * Binance Vision's futures files of some months have the rows of two stretches of time by turns, hours or weeks apart. Each stretch is
 * in order of its ids: a chain.
 */
class RowChains {
  readonly #most: number;
  /** The last id of each. */
  readonly #last: number[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#last.length;
  }

  // HOT: once per row and chain.
  /** The chain that a row continues, from 0. A row that fits none begins another one or, if there are enough, belongs to the first. */
  of(text: string): number {
    const id = Number(text.slice(0, text.indexOf(",")));
    if (!Number.isSafeInteger(id)) return 0; // a header, or a broken row
    let found = -1;
    let newest = -1;
    for (let at = 0; at < this.#last.length; at++) {
      const last = this.#last[at] ?? 0;
      if (last > id || last <= newest) continue;
      found = at;
      newest = last;
    }
    if (found < 0 && this.#last.length === this.#most) return 0;
    if (found < 0) found = this.#last.length;
    this.#last[found] = id;
    return found;
  }
}

/** The rows of one chain of a file. */
class ChainRows implements LineParser {
  readonly #rows: LineParser;
  readonly #chains: RowChains;
  readonly #own: number;

  constructor(rows: LineParser, chains: number, own: number) {
    this.#rows = rows;
    this.#chains = new RowChains(chains);
    this.#own = own;
  }

  line(text: string, out: SourceEvent[]): void {
    if (this.#chains.of(text) === this.#own) this.#rows.line(text, out);
  }
}

/** A stream for each chain of the file: merged by time, they are in order. Throws `ImportRefused` if there are too many. */
export function chainStreams(file: RecordingFile, rows: () => LineParser, reading: ReadContext): EventStream[] {
  const chains = chainsIn(file);
  if (chains === 1) return [lineStream(file, rows(), reading)];
  if (chains > mostChains) {
    throw new ImportRefused(
      `${file.name} is not in order of its ids: sort it, for example with \`(head -1 FILE; tail -n +2 FILE | sort -t, -k1,1n)\`.`,
    );
  }
  const cutShort = once(reading.cutShort);
  reading.notice(`${file.name}: its rows are of ${chains} stretches of time by turns; they were put in order.`);
  return Array.from({ length: chains }, (_, own) =>
    lineStream(file, new ChainRows(rows(), chains, own), {
      ...reading,
      cutShort,
      addProgress: (lines, bytes) => reading.addProgress(own === 0 ? lines : 0, bytes / chains),
    }),
  );
}

/** How many chains the file has, by its first rows. */
function chainsIn({ head }: RecordingFile): number {
  const chains = new RowChains(Number.POSITIVE_INFINITY);
  const rows: number[] = [];
  for (const line of head) {
    const chain = chains.of(line);
    rows[chain] = (rows[chain] ?? 0) + 1;
  }
  const [, second = 0] = rows.sort((a, b) => b - a);
  const few = chains.count <= mostChains && second < leastShare * head.length;
  return few ? 1 : Math.max(chains.count, 1);
}

/** All readings of a file come to its damage. */
function once(report: ReadContext["cutShort"]): ReadContext["cutShort"] {
  let reported = false;
  return (...what) => {
    if (!reported) report(...what);
    reported = true;
  };
}
