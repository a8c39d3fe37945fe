import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contiguousSegments, parseSegmentName, segmentName } from "./segment-name.js";

const id = (first: number, last: number) => segmentName(first, last, first * 100).id;
const ids = (...parts: [first: number, last: number][]) => parts.map(([first, last]) => id(first, last));

test("[LT43] a part's name says which frames it has, and when it begins", () => {
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

describe("[LT47] the whole of some parts", () => {
  const cases: [what: string, parts: [number, number][], whole: [number, number][], from?: number][] = [
    ["none", [], []],
    [
      "parts in any order",
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
      "a joined part, and those it was made of",
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
      "two that overlap, of which one leads on",
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
      "a hole: what lies after it",
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
      "parts that are cut off",
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
  test.each(cases)("%s", (_, parts, whole, from) => {
    expect(contiguousSegments(ids(...parts), from).map((part) => part.id)).toEqual(ids(...whole));
  });

  test("is without holes, reaches as far as any part, and is all of the tape where that can be", () => {
    const cutsAt = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(cutsAt, { minLength: 1, maxLength: 3 }), fc.infiniteStream(fc.boolean()), (many, kept) => {
        // Several ways of cutting the same 21 frames into parts, all there but for some of the later ways' parts.
        const all = many.flatMap((cuts, way) => {
          const ends = [...cuts.sort((a, b) => a - b), 21];
          const parts = ends.map((end, at): [number, number] => [at === 0 ? 0 : (ends[at - 1] ?? 0), end - 1]);
          return parts.filter(() => way === 0 || kept.next().value);
        });
        const whole = contiguousSegments(ids(...all));
        expect([whole[0]?.firstSeq, whole.at(-1)?.lastSeq]).toEqual([0, 20]);
        whole.forEach((part, at) => {
          if (at > 0) expect(part.firstSeq).toBe((whole[at - 1]?.lastSeq ?? 0) + 1);
        });
      }),
    );
  });
});
