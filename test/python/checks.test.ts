import { join } from "node:path";
import { closeCodes } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { client, root, runPython, runTool } from "./python-environment.js";
import { havePython, python } from "./python-test.js";

/** Each test of `clients/python/tests`, with what pytest said of it. */
async function pytest(): Promise<readonly { name: string; passed: boolean; text: string }[]> {
  const { out } = await runTool(python, "pytest", ["-q", "-rA", "--tb=short", "--color=no"]);
  const found = [...out.matchAll(/^(PASSED|FAILED|ERROR) (\S+::.*?)(?: - .*)?$/gm)];
  return found.map(([, outcome, name = ""]) => ({ name, passed: outcome === "PASSED", text: out }));
}

const ran = havePython ? await pytest() : [];

describe.skipIf(!havePython)("[PY1] the rules of the connection without a socket, in Python", () => {
  test.each(ran.map(({ name, passed, text }) => ({ name, passed, text })))("$name", ({ passed, text }) => {
    expect(passed, text).toBe(true);
  });

  test("there are as many as files and rules ask for", () => {
    expect(ran.length).toBeGreaterThan(50);
    expect(new Set(ran.map(({ name }) => name.split("::")[0])).size).toBe(7);
  });
});

test.skipIf(!havePython)("[PY1] the Python client's close codes are those of the protocol", async () => {
  const program = `
import json
from tapedeck.protocol.close_codes import CLOSE_CODES
print(json.dumps({code: {"name": of.name, "reconnect": of.reconnect} for code, of in CLOSE_CODES.items()}))`;
  expect(JSON.parse(await runPython(python, ["-c", program]))).toEqual(closeCodes);
});

test.skipIf(!havePython)("[PY2] the Python client's types are right by the strict rules of mypy", async () => {
  expect(await runTool(python, "mypy", ["--cache-dir=/dev/null"])).toMatchObject({ code: 0 });
});

test.skipIf(!havePython).each([["check"], ["format", "--check"]])(
  "[PY2] the Python client is as ruff wants it: %s",
  async (...args) => {
    const config = ["--no-cache", "--config", join(client, "pyproject.toml")];
    const paths = [client, join(root, "test/python")];
    expect(await runTool(python, "ruff", [...args, ...config, ...paths])).toMatchObject({ code: 0 });
  },
);

test.skipIf(!havePython)(
  "[PY3] an installed client brings its types, its licence and no more than two packages",
  async () => {
    const program = `
import importlib.metadata, json, pathlib, tapedeck
package = importlib.metadata.distribution("tapedeck")
print(json.dumps({
    "typed": (pathlib.Path(tapedeck.__file__).parent / "py.typed").exists(),
    "needs": sorted(need for need in package.requires if "extra" not in need),
    "extras": sorted(package.metadata.get_all("Provides-Extra")),
    "licence": package.metadata["License-Expression"],
}))`;
    expect(JSON.parse(await runPython(python, ["-c", program]))).toEqual({
      typed: true,
      needs: [expect.stringMatching(/^httpx/), expect.stringMatching(/^websockets/)],
      extras: ["arrow", "pandas", "polars"],
      licence: "MIT",
    });
  },
);
