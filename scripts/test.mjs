// npm test: every check, from a bare machine. The last line is the total, alone: `N passed, N failed`.
// With arguments (`npm test -- packages/runtime`) it runs only the selected tests and no other check.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { balancer, bin, browser, dependencies, helm, node, prepare, redis, run, say } from "./prepare.mjs";

const selection = process.argv.slice(2);
/** Test files that run at a time on two cores: most of them wait half their time (docs/decisions/0073). */
const places = 4;
/** With more failing files than this in a part, something is broken rather than unsteady. */
const maxSecondLooks = 5;
const sum = { passed: 0, failed: 0, skipped: 0 };
/** Recordings that a part has imported, for the other parts. */
const tapes = mkdtempSync(join(tmpdir(), "tapedeck-test-tapes-"));
process.on("exit", () => rmSync(tapes, { recursive: true, force: true }));
/** Failures by name, repeated at the end because thousands of lines may follow a failure. */
const failures = [];
/** Files that failed in the parallel run and passed alone. */
const unsteady = [];

await prepare(node, dependencies, redis, browser, balancer, helm);
const all = selection.length === 0;
await Promise.all([
  all && check("format, lint and the direction of imports", bin("biome"), ["check", "--error-on-warnings", "."]),
  check("the sources compile", bin("tsc"), ["-b"]),
]);
await Promise.all([all && check("the tests' types are right", bin("tsc"), ["-p", "tsconfig.test.json"]), bundles()]);
await tests();

if (unsteady.length > 0) console.log(`\nUnsteady (failed beside others, passed alone):\n${unsteady.join("\n\n")}`);
if (failures.length > 0) console.log(`\nFailed:\n${failures.join("\n\n")}`);
if (sum.skipped > 0) console.log(`\n${sum.skipped} skipped`);
console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed > 0 ? 1 : 0);

async function bundles() {
  await check("the SDK is bundled", process.execPath, ["scripts/bundle.mjs"]);
  await check("the processes are bundled", process.execPath, ["scripts/bundle-processes.mjs"]);
  await check("the dashboard is built", process.execPath, ["scripts/dashboard.mjs"]);
}

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
  if (!all) return count(await vitest("selected", selection));
  const part = (project, ...options) => ({
    takes: 1,
    run: async () => [await vitest(project, ["--project", project, ...options])],
  });
  const shards = (project, number) =>
    Array.from({ length: number }, (_, nth) => part(project, `--shard=${nth + 1}/${number}`));
  // The unit tests have two workers. Pages burn CPU: one browser after the other, from the beginning, beside parts that wait.
  const parts = [
    { ...part("unit"), takes: 2 },
    inTurn([...shards("pages", 2), ...shards("clients", 2)]),
    part("python"),
    ...shards("faults", 3),
    ...shards("quiet", 3),
    ...shards("cluster", 10), // short ones last, so that no place is empty for long
  ];
  for (const result of await inPlaces(parts)) count(await secondLook(result));
  // Images are built and run alone, since that takes the whole machine, and without a second run.
  count(await vitest("containers", ["--project", "containers"]));
}

/** Parts as one that takes a place, and one part after the other. */
function inTurn(parts) {
  const run = async () => {
    const results = [];
    for (const part of parts) results.push(...(await part.run()));
    return results;
  };
  return { takes: 1, run };
}

/** Starts the parts in their order, each as soon as the places that it takes are free. Resolves with their results. */
async function inPlaces(parts) {
  const results = [];
  const running = new Set();
  let free = places;
  for (const { takes, run: start } of parts) {
    while (free < takes) await Promise.race(running);
    free -= takes;
    const place = start().then((of) => {
      results.push(...of);
      free += takes;
      running.delete(place);
    });
    running.add(place);
  }
  await Promise.all(running);
  return results;
}

/**
 * Servers and whole clusters are killed, frozen and starved here beside one another, on a machine that others may use too. A file
 * that fails is run once more, alone: a test that fails again is broken; a test that then passes is listed as unsteady, to be fixed
 * (docs/decisions/0036).
 */
async function secondLook({ name, files, broken }) {
  const failing = files.filter((file) => file.failed > 0);
  if (broken || failing.length === 0 || failing.length > maxSecondLooks) return { name, files, broken };
  const looked = [];
  for (const first of failing) {
    say(`A second look, alone: ${first.path}`);
    const again = await vitest(name, ["--project", name, first.path]);
    if (again.broken || again.files.some((file) => file.failed > 0)) return { name, files, broken };
    unsteady.push(...first.messages);
    looked.push(...again.files);
  }
  return { name, files: [...files.filter((file) => file.failed === 0), ...looked] };
}

function count({ name, files, broken }) {
  for (const file of files) {
    sum.passed += file.passed;
    sum.failed += file.failed;
    sum.skipped += file.skipped;
    failures.push(...file.messages);
  }
  if (broken === undefined) return;
  sum.failed++;
  failures.push(`${name}: ${broken}`);
}

/** Runs a selection of tests; returns the result of each file, and errors outside of any. */
async function vitest(name, args) {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-test-"));
  const output = join(folder, "results.json");
  const code = await run(
    bin("vitest"),
    ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${output}`, ...args],
    { env: { ...process.env, TAPEDECK_TEST_BUILT: "1", TAPEDECK_TEST_TAPES: tapes } },
  );
  try {
    const files = JSON.parse(readFileSync(output, "utf8")).testResults.map((file) => resultOf(name, file));
    // Something outside of any test may have gone wrong, such as an unhandled rejection.
    const broken = code !== 0 && files.every((file) => file.failed === 0);
    return { name, files, broken: broken ? `the runner ended with code ${code}, though no test failed` : undefined };
  } catch (error) {
    return { name, files: [], broken: `the test runner left no results: ${error.message}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(project, { name: path, status, message, assertionResults: tests }) {
  const failed = tests.filter((test) => test.status === "failed");
  const passed = tests.filter((test) => test.status === "passed").length;
  const messages = failed.map((test) => `${project}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
  // A file that does not load, or whose set-up fails, may have no failed test; it counts as failed.
  if (status === "failed" && failed.length === 0) messages.push(`${project}: ${path}\n${message}`);
  return { path, passed, failed: messages.length, skipped: tests.length - passed - failed.length, messages };
}
