import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import { environmentOfPython, root, runPython } from "./python-environment.js";
import { havePython, python, pythonTestOnCluster } from "./python-test.js";

const test = pythonTestOnCluster().skipIf(!havePython);

test("[PY9] the notebook of examples/ runs from top to bottom", async ({ cluster, skip }) => {
  const truth = await cluster.recording("usdm");
  if (truth.tape.track === undefined) skip("the recordings are not there, and a made-up tape has no event track");
  const script = join(import.meta.dirname, "notebook.py");
  const env = { ...environmentOfPython, TAPEDECK_URL: cluster.url, TAPEDECK_TAPE: "usdm" };
  const shown = await runPython(python, [script, join(root, "examples/notebook.ipynb")], env);
  const [tape, bars, changes, book, played, sought, closed] = z.array(z.string()).parse(JSON.parse(shown));
  expect(tape).toBe(`<Tape ${truth.tape.id}: BTCUSDT, ${truth.lastSeq + 1} frames from ${truth.frame(0).timestamp}>`);
  expect(bars).toMatch(/^shape: \(5, 8\)[\s\S]*volume/);
  expect(changes).toMatch(/mean/);
  expect(book).toMatch(/^shape: \(10, 4\)[\s\S]*asks/);
  expect(played).toMatch(/^shape: \(5, 4\)/);
  expect(sought).toMatch(/^\('PAUSED', \d+\)$/);
  expect(closed).toBe("");
});

/** The blocks of Python in a page. */
function programsOf(page: string): readonly string[] {
  return [...readFileSync(join(root, page), "utf8").matchAll(/^```python\n([\s\S]*?)^```/gm)].map(
    ([, text = ""]) => text,
  );
}

test.for(["docs/sdk.md", "clients/python/README.md"])(
  "[PY9] the first Python program of %s plays",
  async (page, { cluster }) => {
    const [program = ""] = programsOf(page);
    const stop = `            if (count := globals().get("count", 0) + 1) == 5:\n                break\n            globals()["count"] = count\n`;
    const whole = program
      .replace("http://localhost:8000", cluster.url)
      .replace(/^ +print\(.*\n/m, (line) => line + stop);
    expect(whole).toContain(stop);
    const lines = (await runPython(python, ["-c", whole])).trim().split("\n");
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \d+(\.\d+)?$/);
  },
);
