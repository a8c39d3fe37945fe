import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { expect, test } from "vitest";

/** Bundles a program that uses the SDK, as a page's bundler does. */
async function bundle(program: string): Promise<{ text: string; gzipped: number; inputs: string[] }> {
  const result = await build({
    stdin: { contents: program, loader: "ts", resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    conditions: ["tapedeck-source"],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error("esbuild produced no file");
  return { text: file.text, gzipped: gzipSync(file.contents).length, inputs: included(result.metafile) };
}

/** The sources that contribute to the bundle. */
function included({ outputs }: Metafile): string[] {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
}

test("[CL50] the whole SDK is at most 9 KiB compressed and contains neither a schema library nor Node modules", async () => {
  const { gzipped, inputs, text } = await bundle('export * from "@tapedeck/client";');
  console.log(`the SDK is ${text.length} bytes, ${gzipped} gzipped`);
  expect(gzipped).toBeGreaterThan(2000); // the SDK is in it
  expect(gzipped).toBeLessThanOrEqual(9 * 1024);
  expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
  expect(inputs.filter((path) => path.includes("protocol")).map((path) => path.split("/").at(-1))).toEqual(
    expect.arrayContaining(["close-codes.ts"]),
  );
  expect(text).not.toMatch(/\brequire\(|node:/);
});

test("[CL50] the file that clusters serve is as small as the docs say", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const served = gzipSync(readFileSync(`${root}packages/client/dist/sdk.js`), { level: 9 }).length;
  const pages = ["README.md", "docs/sdk.md"].map((name) => readFileSync(root + name, "utf8"));
  const said = pages.flatMap((text) =>
    [...text.matchAll(/under ([\d.]+) (K\w+)/g)].map(([, size, unit]) => [Number(size), unit]),
  );
  expect(said).toEqual([
    [9, "KiB"],
    [9, "KiB"],
  ]);
  console.log(`/sdk.js is ${served} bytes compressed, ${(served / 1024).toFixed(2)} KiB`);
  expect(served).toBeGreaterThan(2000);
  expect(served).toBeLessThan(9 * 1024);
});

test("[CL50] a bundle contains only what the program uses", async () => {
  const { inputs } = await bundle('import { TapedeckError } from "@tapedeck/client"; console.log(TapedeckError);');
  expect(inputs.map((path) => path.split("/").at(-1))).toEqual(["errors.ts", "<stdin>"]);
  const nothing = await bundle('import { tapedeck } from "@tapedeck/client"; export type Unused = typeof tapedeck;');
  expect(nothing.text.trim()).toBe("");
});
