import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

test("[R19] tokens and passwords do not reach the log, and no text breaks its lines", () => {
  const logger = JSON.stringify(new URL("./logger.ts", import.meta.url).pathname);
  const hostile = { path: '/a\n{"level":"fatal"}' };
  const script = `
    const { createLogger } = await import(${logger});
    const log = createLogger({ service: "test", node: "one", level: "info" });
    log.info({ token: "t0p", headers: { authorization: "t0p" }, request: { headers: { cookie: "t0p" } } }, "asked");
    log.info(${JSON.stringify(hostile)}, ${JSON.stringify("a line\nand one more")});
  `;
  const args = ["--conditions=tapedeck-source", "--import=tsx", "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).not.toContain("t0p");
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ["info", "asked"],
    ["info", "a line\nand one more"],
  ]);
});
