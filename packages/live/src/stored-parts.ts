import { type BlockCache, parseTapeName, RecordedTape, type Seq, type TapeStore } from "@tapedeck/tape";
import { wholeOf } from "./part-name.js";

export interface StoredParts {
  /** In order, none missing between them. */
  readonly parts: readonly RecordedTape[];
  /** The tape is finished: what is here of it is one part, the finished version. */
  readonly finished: boolean;
}

/** What the caller knows that the parts have to cover. */
export interface Cover {
  readonly fromSeq: Seq;
  /** One before `fromSeq`: nothing. */
  readonly toSeq: Seq;
}

/** A listing is no snapshot: parts that are joined meanwhile may be missing in it, before and after. */
const listings = 3;

/**
 * Opens what the store has of a live tape, using those that are open already. Parts before `fromSeq` are left out. Where they
 * do not cover what they should after some attempts, it is as many as follow on one another up to the last one.
 */
export async function openParts(
  store: TapeStore,
  name: string,
  cache: BlockCache,
  { fromSeq, toSeq }: Cover,
  open: readonly RecordedTape[] = [],
): Promise<StoredParts> {
  const { id, version = 1 } = parseTapeName(name);
  const inParts = store.parts(id);
  const known = new Map(open.map((part) => [part.manifest.id, part]));
  for (let attempt = 1; ; attempt++) {
    const whole = wholeOf(await inParts.ids(), fromSeq);
    // Looked at last: parts go only after the finished version has come.
    if ((await store.versions(id)).includes(version)) {
      return { parts: [await RecordedTape.open(store, id, version, cache)], finished: true };
    }
    const covers =
      toSeq < fromSeq || ((whole[0]?.firstSeq ?? Infinity) <= fromSeq && (whole.at(-1)?.lastSeq ?? -1) >= toSeq);
    if (!covers && attempt < listings) continue;
    try {
      const parts = whole.map((part) => known.get(part.id) ?? RecordedTape.open(inParts, part.id, 1, cache));
      return { parts: await Promise.all(parts), finished: false };
    } catch (error) {
      if (attempt >= listings) throw error; // one of them was joined with others just now
    }
  }
}
