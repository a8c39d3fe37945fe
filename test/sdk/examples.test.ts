import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { haveBrowser, type OpenedPage, Pages } from "../support/browser.js";
import { test } from "../support/cluster.js";
import { Program } from "../support/program.js";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

/** The code blocks of a docs page, in order. */
function blocksOf(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].flatMap(([, of, text = ""]) =>
    of === language ? [text] : [],
  );
}

/** The output of a program that exits by itself without errors. */
async function outputOf(program: Program): Promise<string> {
  const code = await program.ended;
  expect(program.err).toBe("");
  expect(code).toBe(0);
  return program.out;
}

async function inPages(use: (pages: Pages) => Promise<void>): Promise<void> {
  const pages = await Pages.open();
  try {
    await use(pages);
  } finally {
    await pages.close();
  }
}

async function untilPrice({ page, errors }: OpenedPage): Promise<string> {
  await page
    .waitForFunction(() => /^BTCUSDT \d+/.test(document.querySelector("h1")?.textContent ?? ""))
    .catch((error) => {
      throw new Error(`no price: ${errors.join("; ")}`, { cause: error });
    });
  return (await page.textContent("h1")) ?? "";
}

test("[CL51] [CL40] examples/watch.mjs prints frames and exits by itself", async ({ cluster }) => {
  const out = await outputOf(new Program("examples/watch.mjs", "30", cluster.url));
  const lines = out.trim().split("\n");
  expect(lines.filter((line) => /^\d{4}-\d\d-\d\dT\S+Z BTCUSDT \d+(\.\d+)? \d+ trades$/.test(line))).toHaveLength(30);
  expect(lines.at(-1)).toMatch(/^-- [\w-]{36}: closed$/);
});

test("[CL51] [CL40] examples/remote.mjs sends commands and exits when its session ends", async ({ cluster }) => {
  const out = await outputOf(new Program("examples/remote.mjs", cluster.url));
  expect(out).toMatch(/viewer: PAUSED at \d{4}\S+ \(command\)/);
  expect(out).toMatch(/viewer: PLAYING/);
  expect(out).toMatch(/refused: NOT_LIVE: /);
});

test("[CL51] [CL40] examples/trade.mjs buys, leaves the position and exits", async ({ cluster }) => {
  const out = await outputOf(new Program("examples/trade.mjs", cluster.url));
  expect(out).toMatch(/^buy 0\.01\S* at \d/m);
  expect(out).toMatch(/^sell 0\.0\d+ at \d/m);
  expect(out).toMatch(/^order \d+ (LIMIT|STOP) EXPIRED other-order$/m);
  expect(out).toMatch(/^order \d+ (LIMIT|STOP) FILLED $/m);
  expect(out.trim().split("\n").at(-1)).toMatch(/^equity \d+\.\d+$/);
});

test("[CL51] the first Node program of the guide plays", async ({ cluster }) => {
  const [program = ""] = blocksOf(read("docs/sdk.md"), "js");
  const ending = "let left = 20; session.onFrame(() => { if (--left === 0) session.close(); });\n";
  const whole = program.replace("http://localhost:8000", cluster.url).replace("await session.start();", `${ending}$&`);
  const out = await outputOf(Program.of(whole));
  const lines = out.trim().split("\n");
  expect(lines.length).toBeGreaterThan(10); // the loop may begin after the first of the twenty
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \d+(\.\d+)?$/);
});

test.skipIf(!haveBrowser)(
  "[CL51] the first page of the guide plays in ten lines, from another origin",
  async ({ cluster }) => {
    const [html = ""] = blocksOf(read("docs/sdk.md"), "html");
    expect(html.trim().split("\n").length).toBeLessThanOrEqual(10);
    await inPages(async (pages) => {
      const shown = await pages.show("/first.html", html.replaceAll("http://localhost:8000", cluster.url));
      const price = await untilPrice(shown);
      await shown.page.waitForFunction((before) => document.querySelector("h1")?.textContent !== before, price);
      expect(shown.errors).toEqual([]);
    });
  },
);

test.skipIf(!haveBrowser)("[CL51] the page of the README plays, from another origin", async ({ cluster }) => {
  const [html = ""] = blocksOf(read("README.md"), "html");
  await inPages(async (pages) => {
    const shown = await pages.show("/readme.html", html.replaceAll("http://localhost:8000", cluster.url));
    await untilPrice(shown);
    expect(shown.errors).toEqual([]);
  });
});

test.skipIf(!haveBrowser)("[CL51] examples/page.html plays, and its buttons work", async ({ cluster }) => {
  await inPages(async (pages) => {
    const html = read("examples/page.html").replaceAll("http://localhost:8000", cluster.url);
    const shown = await pages.show("/page.html", html);
    const { page, errors } = shown;
    await untilPrice(shown);
    const status = (pattern: RegExp) =>
      page.waitForFunction(
        (source) => new RegExp(source).test(document.getElementById("status")?.textContent ?? ""),
        pattern.source,
      );
    await status(/is PLAYING at 1x, open/);
    await page.click("#pause");
    await status(/is PAUSED at 1x/);
    await page.click("#back");
    await page.fill("#speed", "20");
    await status(/is PAUSED at 20x/);
    await page.click("#resume");
    await status(/is PLAYING at 20x/);
    const [id = ""] = ((await page.textContent("#status")) ?? "").split(" ");
    expect((await cluster.http.session(id)).speed).toBe(20);
    expect(errors).toEqual([]);
  });
});
