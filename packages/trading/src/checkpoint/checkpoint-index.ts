import { z } from "zod";

/**
 * Of what is kept. Raise it whenever a replay could come out otherwise than that of an earlier release: with the format of states, and with anything
 * that changes a fill. Those of another version are not read.
 */
const version = 3;

const count = z.int().min(0);

const head = z.object({
  /** Which part it is. */
  part: count,
  /** The last action that the engine had got. */
  number: count,
  tag: z.string(),
  seq: z.int(),
  /** When that frame is shown, in tape time. */
  ns: z.number(),
  /** Orders that had ended, and fills. */
  ended: count,
  fills: count,
  /** The last part of history that has some of these; 0: there are none. */
  chunk: count,
  bytes: count,
});
export type CheckpointHead = z.infer<typeof head>;

const range = z.tuple([count, count]);
const chunk = z.object({
  part: count,
  /** The part of history before it; 0: none. */
  after: count,
  /** Which orders, in the order in which they ended, and which fills: from the first to before the second. */
  ended: range,
  fills: range,
  bytes: count,
});
export type HistoryChunk = z.infer<typeof chunk>;

const checkpointIndex = z.object({
  version: z.literal(version),
  /** `id@version` */
  tape: z.string(),
  /** Digest of the chain's settings. */
  settings: z.string(),
  /** By frame, the first one first. */
  heads: z.array(head),
  chunks: z.array(chunk),
});

/** The checkpoints of a session's chain on a tape, and the history of orders and fills that they share. */
export type CheckpointIndex = Omit<z.infer<typeof checkpointIndex>, "version">;

export function encodeIndex(index: CheckpointIndex): string {
  return JSON.stringify({ version, ...index });
}

/** Undefined for an index of another version, or none. */
export function decodeIndex(text: string): CheckpointIndex | undefined {
  try {
    return checkpointIndex.parse(JSON.parse(text));
  } catch {
    return undefined; // a cache: what is not readable is as good as gone
  }
}

export function headField(part: number): string {
  return `head:${part}`;
}

export function chunkField(part: number): string {
  return `history:${part}`;
}

/** The history up to a chunk, oldest first; undefined if some of it is missing. Pure. */
export function chunksUpTo(chunks: readonly HistoryChunk[], last: number): HistoryChunk[] | undefined {
  const byPart = new Map(chunks.map((each) => [each.part, each]));
  const found: HistoryChunk[] = [];
  for (let part = last; part !== 0; ) {
    const next = byPart.get(part);
    if (next === undefined || found.length > chunks.length) return undefined;
    found.unshift(next);
    part = next.after;
  }
  return found;
}

/**
 * Of checkpoints by frame, those to keep: the further back, the further apart, so that a rewind is replayed over no more than about its own length, and
 * an hour needs a handful. Pure.
 */
export function thinned(heads: readonly CheckpointHead[]): CheckpointHead[] {
  const kept = [...heads];
  const newest = kept.at(-1)?.seq ?? 0;
  for (let at = kept.length - 2; at > 0; at--) {
    const [before, after] = [kept[at - 1]?.seq ?? 0, kept[at + 1]?.seq ?? 0];
    if (after - before <= newest - after) kept.splice(at, 1);
  }
  return kept;
}

/** What of history the checkpoints need. Pure. */
export function neededChunks(heads: readonly CheckpointHead[], chunks: readonly HistoryChunk[]): HistoryChunk[] {
  const needed = new Set(heads.flatMap((each) => (chunksUpTo(chunks, each.chunk) ?? []).map(({ part }) => part)));
  return chunks.filter(({ part }) => needed.has(part));
}

/** Bytes that Redis takes for a field of a hash, beside its value. */
const fieldBytes = 100;

/**
 * The index without its oldest checkpoints, as far as it must have less to fit into some bytes of Redis; undefined if not even the newest fits. Pure.
 */
export function fitted(index: CheckpointIndex, most: number): CheckpointIndex | undefined {
  for (let drop = 0; drop < index.heads.length; drop++) {
    const heads = index.heads.slice(drop);
    const smaller = { ...index, heads, chunks: neededChunks(heads, index.chunks) };
    const parts = [...smaller.heads, ...smaller.chunks];
    const bytes = parts.reduce((sum, part) => sum + part.bytes + fieldBytes, encodeIndex(smaller).length);
    if (bytes <= most) return smaller;
  }
  return undefined;
}
