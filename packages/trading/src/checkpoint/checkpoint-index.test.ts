import { describe, expect, test } from "vitest";
import { type CheckpointHead, chunksUpTo, fitted, neededChunks, thinned } from "./checkpoint-index.js";

function headAt(seq: number, of: Partial<CheckpointHead> = {}): CheckpointHead {
  return { part: seq, number: 1, tag: "a", seq, ns: seq, ended: 0, fills: 0, chunk: 0, bytes: 500, ...of };
}

const chunkAt = (part: number, after: number, bytes = 1_000) => ({
  ...{ part, after, bytes },
  ended: [0, 1] as [number, number],
  fills: [0, 1] as [number, number],
});

describe("the checkpoints that are kept", () => {
  test("[TR72] are further apart the further back they are, so a rewind is replayed over no more than its length", () => {
    let heads: CheckpointHead[] = [];
    for (let seq = 256; seq <= 256 * 140; seq += 256) {
      heads = thinned([...heads, headAt(seq)]);
      for (let back = 256; back < seq - 256; back += 256) {
        const before = heads.findLast((head) => head.seq <= seq - back);
        expect(seq - back - (before?.seq ?? 0)).toBeLessThanOrEqual(back);
      }
      expect(heads.at(-1)?.seq).toBe(seq);
    }
    expect(heads.length).toBeLessThan(16);
  });

  test("[TR73] are the newest ones that fit, with the history that they need", () => {
    const chunks = [chunkAt(1, 0), chunkAt(2, 1), chunkAt(3, 0)];
    const heads = [headAt(10, { chunk: 3 }), headAt(20, { chunk: 1 }), headAt(30, { chunk: 2 })];
    const index = { tape: "t@1", settings: "s", heads, chunks };
    expect(fitted(index, 10_000)).toEqual(index);
    const smaller = fitted(index, 4_500);
    expect(smaller?.heads.map(({ seq }) => seq)).toEqual([20, 30]);
    expect(smaller?.chunks.map(({ part }) => part)).toEqual([1, 2]);
    expect(fitted(index, 1_000)).toBeUndefined();
  });

  test("[TR71] have no history if some of it is missing", () => {
    const chunks = [chunkAt(1, 0), chunkAt(3, 2)];
    expect(chunksUpTo(chunks, 0)).toEqual([]);
    expect(chunksUpTo(chunks, 1)).toEqual([chunkAt(1, 0)]);
    expect(chunksUpTo(chunks, 3)).toBeUndefined();
    expect(chunksUpTo([chunkAt(1, 2), chunkAt(2, 1)], 1)).toBeUndefined();
    expect(neededChunks([headAt(1, { chunk: 3 }), headAt(2, { chunk: 1 })], chunks)).toEqual([chunkAt(1, 0)]);
  });
});
