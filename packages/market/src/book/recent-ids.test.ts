import { expect, test } from "vitest";
import { RecentIds } from "./recent-ids.js";

test("[IM8] the most recent ids are known, in whatever order they came, and older ones are forgotten", () => {
  const recent = new RecentIds(4);
  let expected: number[] = [];
  for (let step = 0; step < 200; step++) {
    const id = (step * 7 + (step % 3) * 5) % 23;
    recent.add(id);
    if (!expected.includes(id)) expected = [...expected, id].slice(-4);
    expect(Array.from({ length: 23 }, (_, one) => one).filter((one) => recent.has(one))).toEqual(
      expected.toSorted((a, b) => a - b),
    );
  }
});
