// npm test: every check there is, from a bare machine. The last line is the sum, alone: `N passed, N failed`.
// With arguments (`npm test -- packages/runtime`) it runs the tests that these select, and no other check.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, browser, dependencies, node, prepare, redis, run, say } from "./prepare.mjs";

const selection = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
/** What went wrong, by name: thousands of lines stand between a failure and the end. */
const failures = [];

await prepare(node, dependencies, redis, browser);
if (selection.length === 0)
  await check("format, lint and the direction of imports", bin("biome"), ["check", "--error-on-warnings", "."]);
await check("the sources compile", bin("tsc"), ["-b"]);
await check("the SDK is bundled", process.execPath, ["scripts/bundle.mjs"]);
await check("the dashboard is built", process.execPath, ["scripts/dashboard.mjs"]);
if (selection.length === 0) await check("the tests' types are right", bin("tsc"), ["-p", "tsconfig.test.json"]);
await tests();

if (failures.length > 0) console.log(`\nFailed:\n${failures.join("\n\n")}`);
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`);
process.exit(sum.failed > 0 ? 1 : 0);

async function check(what, command, args) {
  say(`Checking that all is well: ${what}`);
  if ((await run(command, args)) === 0) sum.passed++;
  else {
    sum.failed++;
    failures.push(what);
  }
}

async function tests() {
  say("Running the tests");
  if (selection.length > 0) return vitest("selected", selection);
  await vitest("unit", ["--project", "unit"]);
  // What looks at pages and clients waits most of its time, and so does what waits for faults: side by side they take half as long.
  await Promise.all([vitest("cluster", ["--project", "cluster"]), vitest("clients", ["--project", "clients"])]);
}

async function vitest(name, args) {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-test-"));
  const file = join(folder, "results.json");
  const code = await run(bin("vitest"), [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...args,
  ]);
  let failed = 0;
  try {
    const results = JSON.parse(readFileSync(file, "utf8"));
    sum.passed += results.numPassedTests;
    sum.skipped += results.numPendingTests + results.numTodoTests;
    failed = results.numFailedTests;
    for (const test of results.testResults.flatMap((f) => f.assertionResults))
      if (test.status === "failed") failures.push(`${name}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
    // A file that does not even load has no tests to count; it failed all the same.
    const unloaded = results.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0);
    failed += unloaded.length;
    failures.push(...unloaded.map((f) => `${name}: ${f.name}\n${f.message}`));
  } catch (error) {
    console.error(`The test runner left no results (${name}): ${error.message}`);
  }
  rmSync(folder, { recursive: true, force: true });
  // Something outside of any test may have gone wrong, such as an unhandled rejection.
  if (code !== 0 && failed === 0) {
    failures.push(`${name}: the runner ended with code ${code}, though no test failed`);
    failed = 1;
  }
  sum.failed += failed;
}
