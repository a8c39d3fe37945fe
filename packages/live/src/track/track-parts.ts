import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { DamagedTape, parseTapeName, type Seq, type TapeStore } from "@tapedeck/tape";
import { encodeDigits, mostDigits, parseDigits, type TrackDigits } from "./track-digits.js";
import { entriesOf, type PlacedEntry } from "./track-entry.js";

/** A part's id says which events it has, so that the part of an event is found without reading. */
export interface TrackPart {
  readonly id: string;
  /** Of the writer that stored it. */
  readonly claim: number;
  /** Events `firstN` to `nextN` - 1. */
  readonly firstN: number;
  readonly nextN: number;
  /** The first frames that show the first and the last of them. */
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  /** The frame that shows the first whole book in it; undefined without one. */
  readonly wholeSeq: Seq | undefined;
  /** No event in it is later, by the venue's clock: milliseconds since 1970. */
  readonly lastMs: number;
  /** Of its prices and sizes: a reader has to know the decimals before it reads. */
  readonly digits: TrackDigits;
  /** Made of several. */
  readonly joined: boolean;
}

const file = "events.ndjson.gz";
const pattern =
  /^(\d{1,15})-(\d{1,15})-(\d{1,15})-(\d{1,15})-(\d{1,15})-(\d{1,15}|none)-(\d{1,15})-([\da-z]{4})-(part|joined)$/;
const inflate = promisify(gunzip);

export function trackPart(part: Omit<TrackPart, "id">): TrackPart {
  const { claim, firstN, nextN, firstSeq, lastSeq, wholeSeq = "none", lastMs, digits, joined } = part;
  const events = [claim, firstN, nextN, firstSeq, lastSeq, wholeSeq, lastMs, encodeDigits(digits)];
  return { ...part, id: [...events, joined ? "joined" : "part"].join("-") };
}

function parseTrackPart(id: string): TrackPart | undefined {
  const [, claim, firstN, nextN, firstSeq, lastSeq, whole, lastMs, digits, kind] = pattern.exec(id) ?? [];
  if (claim === undefined || digits === undefined) return undefined;
  return {
    id,
    claim: Number(claim),
    firstN: Number(firstN),
    nextN: Number(nextN),
    firstSeq: Number(firstSeq),
    lastSeq: Number(lastSeq),
    wholeSeq: whole === "none" ? undefined : Number(whole),
    lastMs: Number(lastMs),
    digits: parseDigits(digits),
    joined: kind === "joined",
  };
}

/** Releases that know nothing of tracks leave a store of segments with such a name alone. */
const suffix = ".track";

/** The id in whose store of segments the parts of a live tape's track are. */
export function trackStoreId(tapeId: string): string {
  return `${tapeId}${suffix}`;
}

/** The tape that a store of segments belongs to, by its frames or by its track. */
export function tapeOfSegments(id: string): string {
  return id.endsWith(suffix) ? id.slice(0, -suffix.length) : id;
}

/** The parts of a live tape's event track in the tape store. */
export class TrackParts {
  readonly #store: TapeStore;
  readonly #tape: string;
  readonly #parts: TapeStore;

  /** @param tape `id@1` */
  constructor(store: TapeStore, tape: string) {
    this.#store = store;
    this.#tape = tape;
    this.#parts = store.segments(trackStoreId(parseTapeName(tape).id));
  }

  /** Those that make up the track, in order. */
  async list(): Promise<TrackPart[]> {
    return validParts((await this.#parts.ids()).flatMap((id) => parseTrackPart(id) ?? []));
  }

  /** Stores a part. One of the same name has the same events, and is left as it is. */
  async write(part: TrackPart, bytes: readonly Uint8Array[]): Promise<void> {
    if ((await this.#parts.current(part.id)) !== undefined) return;
    const staged = await this.#parts.begin(part.id);
    try {
      for (const each of bytes) await staged.append(file, each);
      await staged.commit();
    } catch (error) {
      await staged.discard().catch(() => undefined); // the first failure is the one to report
      throw error;
    }
  }

  /** Joins parts that follow on each other. They are erased afterwards, by the caller. */
  async join(parts: readonly TrackPart[]): Promise<TrackPart | undefined> {
    const [first, last] = [parts[0], parts.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const joined = trackPart({
      ...{ claim: Math.max(...parts.map(({ claim }) => claim)), firstN: first.firstN, nextN: last.nextN },
      ...{ firstSeq: first.firstSeq, lastSeq: last.lastSeq, joined: true },
      wholeSeq: parts.find(({ wholeSeq }) => wholeSeq !== undefined)?.wholeSeq,
      lastMs: Math.max(...parts.map(({ lastMs }) => lastMs)),
      digits: mostDigits(parts.map(({ digits }) => digits)),
    });
    // Gzip files one after the other are a gzip file.
    const bytes = [];
    for (const { id } of parts) bytes.push(await this.#parts.read(id, 1, file));
    await this.write(joined, bytes);
    return joined;
  }

  async erase(parts: readonly TrackPart[]): Promise<void> {
    for (const { id } of parts) await this.#parts.erase(id);
  }

  /** The entries of a part, in order. Rejects with `DamagedTape`. */
  async *entries(part: TrackPart): AsyncGenerator<PlacedEntry, void, undefined> {
    const entries = entriesOf(await this.text(part));
    try {
      yield* entries;
    } catch (error) {
      throw this.damaged(part, error);
    }
  }

  /** The lines of a part, each with its end. Rejects with `DamagedTape`. */
  async text(part: TrackPart): Promise<Buffer> {
    return inflate(await this.bytes(part)).catch((error: unknown) => {
      throw this.damaged(part, error);
    });
  }

  /** A part as it is stored: gzip. */
  bytes({ id }: TrackPart): Promise<Buffer> {
    return this.#parts.read(id, 1, file);
  }

  damaged({ id }: TrackPart, cause: unknown): DamagedTape {
    return new DamagedTape(this.#tape, `part ${id} of its event track is damaged`, cause);
  }

  async eraseAll(): Promise<void> {
    await this.#store.eraseSegments(trackStoreId(parseTapeName(this.#tape).id));
  }
}

/**
 * Without those that a crash left over beside the one they were joined into, and those that a writer stored after another one had claimed the
 * feed: of two with the same events, that of the later claim counts.
 */
export function validParts(parts: readonly TrackPart[]): TrackPart[] {
  const sorted = [...parts].sort((a, b) => a.firstN - b.firstN || b.claim - a.claim || b.nextN - a.nextN);
  const valid: TrackPart[] = [];
  for (const part of sorted) {
    if (part.nextN > part.firstN && part.firstN >= (valid.at(-1)?.nextN ?? 0)) valid.push(part);
  }
  return valid;
}
