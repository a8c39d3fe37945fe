import { expect, test } from "vitest";
import { announcedMaster } from "./sentinel-watch.js";

test("[R39] a sentinel's announcement names the new master, and is about one master only", () => {
  const switched = "deck 10.0.0.1 6379 10.0.0.2 6380";
  expect(announcedMaster("+switch-master", switched, "deck")).toEqual({ host: "10.0.0.2", port: 6380 });
  expect(announcedMaster("+switch-master", switched, "other")).toBeUndefined();
  const promoted = "slave 10.0.0.2:6380 10.0.0.2 6380 @ deck 10.0.0.1 6379";
  expect(announcedMaster("+promoted-slave", promoted, "deck")).toEqual({ host: "10.0.0.2", port: 6380 });
  expect(announcedMaster("+promoted-slave", promoted, "other")).toBeUndefined();
  expect(announcedMaster("+switch-master", "deck", "deck")).toBeUndefined();
});
