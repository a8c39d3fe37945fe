import { type BlockCache, parseTapeName, RecordedTape, type Seq, type TapeStore } from "@tapedeck/tape";
import { contiguousSegments } from "./segment-name.js";

export interface StoredSegments {
  /** In order, none missing between them. */
  readonly segments: readonly RecordedTape[];
  /** The tape is finished: what is here of it is one part, the finished version. */
  readonly finished: boolean;
}

/** What the caller knows that the parts have to cover. */
export interface SeqRange {
  readonly fromSeq: Seq;
  /** One before `fromSeq`: nothing. */
  readonly toSeq: Seq;
}

/** A listing is no snapshot: parts that are joined meanwhile may be missing in it, before and after. */
const listings = 3;

/**
 * Opens what the store has of a live tape, using those that are open already. Parts before `fromSeq` are left out. Where they
 * do not cover what they should after some attempts, it is as many as follow on one another up to the last one.
 *
 * @param damaged told of a part that cannot be read, which is then left out with all before it; without, that is an error
 */
export async function openSegments(
  store: TapeStore,
  name: string,
  cache: BlockCache,
  { fromSeq, toSeq }: SeqRange,
  { open = [], damaged }: { open?: readonly RecordedTape[]; damaged?: (error: unknown) => void } = {},
): Promise<StoredSegments> {
  const { id, version = 1 } = parseTapeName(name);
  const inParts = store.segments(id);
  const known = new Map(open.map((part) => [part.manifest.id, part]));
  const broken = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const ids = (await inParts.ids()).filter((part) => !broken.has(part));
    const whole = contiguousSegments(ids, fromSeq);
    // Looked at last: parts go only after the finished version has come.
    if ((await store.versions(id)).includes(version)) {
      return { segments: [await RecordedTape.open(store, id, version, cache)], finished: true };
    }
    const [first, last] = [whole[0], whole.at(-1)];
    const covers =
      toSeq < fromSeq || (first !== undefined && first.firstSeq <= fromSeq && (last?.lastSeq ?? -1) >= toSeq);
    if (!covers && attempt < listings) continue;
    const parts: RecordedTape[] = [];
    const opening = whole.map((part) => known.get(part.id) ?? RecordedTape.open(inParts, part.id, 1, cache));
    for (const [at, result] of (await Promise.allSettled(opening)).entries()) {
      if (result.status === "fulfilled") parts.push(result.value);
      else if (attempt < listings)
        break; // it was joined with others just now, or so it seems
      else if (damaged === undefined) throw result.reason;
      else {
        damaged(result.reason);
        broken.add(whole[at]?.id ?? "");
      }
    }
    if (parts.length === whole.length) return { segments: parts, finished: false };
  }
}
