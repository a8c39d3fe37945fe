import { expect, test } from "vitest";
import { createHealth } from "./health.js";

test("[R5] a part that recovers does not hide the trouble of another part", () => {
  const health = createHealth();
  expect(health.snapshot()).toMatchObject({ status: "healthy", issues: [] });

  health.set("redis", "degraded", "no connection");
  health.set("probe", "unready", "deaf for 5 s");
  expect(health.ready()).toBe(false);
  expect(health.snapshot()).toMatchObject({
    status: "degraded",
    issues: ["redis: no connection", "probe: deaf for 5 s"],
  });

  health.set("probe", "ok");
  expect(health.ready()).toBe(true);
  expect(health.snapshot()).toMatchObject({ status: "degraded", issues: ["redis: no connection"] });
});
