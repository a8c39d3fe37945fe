import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { hasTerminals, Terminal } from "../../../../test/support/terminal.js";

/** What text of users may hold: a colour, the clipboard (OSC 52), the one-byte start of a sequence, text from right to left. */
const escapes = "a\u001b[31m\u001b]52;c;cm0=\u0007\u009b2J\u202eb\nINFO forged";
const logging = `
  const { createLogger } = await import(${JSON.stringify(new URL("./logger.ts", import.meta.url).pathname)});
  const log = createLogger({ service: "test", node: "one", level: "info" });
  log.info({ symbol: ${JSON.stringify(escapes)} }, ${JSON.stringify(escapes)});
  log.error({ err: new Error(${JSON.stringify(escapes)}) }, "failed");
`;
const running = ["--conditions=tapedeck-source", "--import=tsx", "--input-type=module", "-e", logging];

test("[R38] JSON lines contain nothing that a terminal acts on, and keep their meaning", () => {
  const { stdout } = spawnSync(process.execPath, running, { encoding: "utf8" });
  expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  const [first, second] = stdout.trimEnd().split("\n");
  expect(JSON.parse(first ?? "")).toMatchObject({ symbol: escapes, msg: escapes });
  expect(JSON.parse(second ?? "")).toMatchObject({ err: { message: escapes } });
});

test.skipIf(!hasTerminals)("[R38] on a terminal only the log's own colours are escape sequences", async () => {
  const quoted = running.map((argument) => `'${argument.replaceAll("'", `'\\''`)}'`).join(" ");
  const terminal = new Terminal(`${process.execPath} ${quoted}`, { cwd: process.cwd(), env: process.env });
  expect(await terminal.ended()).toBe(0);
  const colours = ["31", "32", "35", "36", "39"].map((code) => `\u001b[${code}m`);
  const text = colours.reduce((rest, colour) => rest.replaceAll(colour, ""), terminal.said.replaceAll("\r\n", "\n"));
  expect(text).toContain("one a\\u001b[31m\\u001b]52;c;cm0=\\u0007\\u009b2J\\u202eb\\u000aINFO forged");
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test("[R19] tokens and passwords do not reach the log, and no text breaks a line", () => {
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
