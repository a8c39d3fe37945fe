import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startupWarnings } from "./up.js";

test("[U11] a warning of several services is shown once, and other lines are not shown", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-logs-"));
  try {
    const slow = `{"level":"warn","msg":"no native uWebSockets.js"}\n`;
    await writeFile(join(folder, "gateway-1.log"), `{"level":"info","msg":"taking sockets"}\n${slow}`);
    await writeFile(join(folder, "gateway-2.log"), slow);
    await writeFile(join(folder, "redis.log"), "1:M 01 Jan 2026 00:00:00.000 # WARNING overcommit_memory\n");
    expect(await startupWarnings(folder)).toEqual(["gateway-2 warns: no native uWebSockets.js"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
