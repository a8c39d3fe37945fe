import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contiguousSegments, parseSegmentName, segmentName } from "./segment-name.js";

const id = (first: number, last: number) => segmentName(first, last, first * 100).id;
const ids = (...segments: [first: number, last: number][]) => segments.map(([first, last]) => id(first, last));

test("[LT43] a segment's name says which frames it has, and when it begins", () => {
  expect(parseSegmentName(id(640, 1_279))).toEqual({
    id: "640-1279-64000",
    firstSeq: 640,
    lastSeq: 1_279,
    firstNs: 64_000,
  });
  for (const other of ["", "640-1279", "640-1279-x", "a640-1279-64000", "640-1279-64000-1", "BTC-USD-1"]) {
    expect(parseSegmentName(other)).toBeUndefined();
  }
});

describe("[LT47] the contiguous segments of a listing", () => {
  const cases: [what: string, listed: [number, number][], contiguous: [number, number][], from?: number][] = [
    ["no segments", [], []],
    [
      "segments in any order",
      [
        [64, 127],
        [128, 191],
        [0, 63],
      ],
      [
        [0, 63],
        [64, 127],
        [128, 191],
      ],
    ],
    [
      "a joined segment, and those that it was joined from",
      [
        [0, 63],
        [64, 127],
        [0, 127],
        [128, 191],
      ],
      [
        [0, 127],
        [128, 191],
      ],
    ],
    [
      "two that overlap, of which one is continued",
      [
        [0, 63],
        [64, 127],
        [64, 100],
        [128, 191],
      ],
      [
        [0, 63],
        [64, 127],
        [128, 191],
      ],
    ],
    [
      "one that reaches further than the rest",
      [
        [0, 63],
        [64, 127],
        [64, 191],
      ],
      [
        [0, 63],
        [64, 191],
      ],
    ],
    [
      "missing frames: the segments after them",
      [
        [0, 63],
        [128, 191],
        [192, 255],
      ],
      [
        [128, 191],
        [192, 255],
      ],
    ],
    [
      "segments before the first frame of the tape",
      [
        [0, 63],
        [64, 127],
        [128, 191],
      ],
      [
        [64, 127],
        [128, 191],
      ],
      64,
    ],
  ];
  test.each(cases)("%s", (_, listed, contiguous, from) => {
    expect(contiguousSegments(ids(...listed), from).map(({ id }) => id)).toEqual(ids(...contiguous));
  });

  test("have no missing frames, reach as far as any segment, and begin as early as possible", () => {
    const cutsAt = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(cutsAt, { minLength: 1, maxLength: 3 }), fc.infiniteStream(fc.boolean()), (many, kept) => {
        // Several divisions of the same 21 frames into segments: the first is complete, the others may lack some.
        const all = many.flatMap((cuts, way) => {
          const ends = [...cuts.sort((a, b) => a - b), 21];
          const segments = ends.map((end, at): [number, number] => [at === 0 ? 0 : (ends[at - 1] ?? 0), end - 1]);
          return segments.filter(() => way === 0 || kept.next().value);
        });
        const found = contiguousSegments(ids(...all));
        expect([found[0]?.firstSeq, found.at(-1)?.lastSeq]).toEqual([0, 20]);
        found.forEach((segment, at) => {
          if (at > 0) expect(segment.firstSeq).toBe((found[at - 1]?.lastSeq ?? 0) + 1);
        });
      }),
    );
  });
});
