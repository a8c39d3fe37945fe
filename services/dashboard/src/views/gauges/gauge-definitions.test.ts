import { expect, test } from "vitest";
import { gaugeDefinitions, levelOf } from "./gauge-definitions";

test("[DB83] VPIN is medium from 0.3 and high from 0.6", () => {
  const levels = gaugeDefinitions.find(({ id }) => id === "vpin")?.levels ?? [];
  expect([0, 0.29, 0.3, 0.59, 0.6, 1].map((vpin) => levelOf(vpin, levels)?.name)).toEqual([
    undefined,
    undefined,
    "medium",
    "medium",
    "high",
    "high",
  ]);
});
