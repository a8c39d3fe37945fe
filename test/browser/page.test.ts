import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "vitest";
import { z } from "zod";
import { type ShownDeck, test } from "./dashboard.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const findings = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
);

/** What axe finds serious or critical, each as one line. */
async function grave(deck: ShownDeck): Promise<string[]> {
  await deck.page.evaluate(axe);
  const found = await deck.page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)",
  );
  return findings
    .parse(found)
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

test.for(["dark", "light"] as const)(
  "[DB54] axe finds nothing grave on the deck, in its lists, panels and help, %s",
  async (colorScheme, { cluster, decks }) => {
    const { deck, id } = await decks.openOn(cluster, {}, { colorScheme });
    await cluster.http.control(id, "seek", { event: "next", min_severity: "low" });
    await deck.press("Resume");
    await deck.plays();
    await deck.press("Pause");
    await deck.state("Paused");
    expect(await grave(deck)).toEqual([]);
    await deck.page.getByRole("tab", { name: "Anomalies" }).click();
    await deck.page.getByLabel("Least severity").selectOption("low");
    expect(await grave(deck)).toEqual([]);
    await deck.page.getByLabel("Least severity").selectOption("critical");
    await deck.page.getByText(/hidden by the filter/).waitFor();
    expect(await grave(deck)).toEqual([]);
    await deck.page.getByRole("tab", { name: "Gaps" }).click();
    await deck.page
      .getByRole("region", { name: "Gaps by price" })
      .or(deck.page.getByText(/^No gap/))
      .waitFor();
    expect(await grave(deck)).toEqual([]);
    await deck.page.getByRole("tab", { name: "Inspector" }).click();
    await deck.key(",");
    expect(await grave(deck)).toEqual([]);
    for (const panel of ["Choose a tape", "Session", "Export what is seen", "Choose how far to rewind"]) {
      await deck.press(panel);
      expect(await grave(deck)).toEqual([]);
      await deck.page.keyboard.press("Escape");
    }
    await deck.key("?");
    expect(await grave(deck)).toEqual([]);
  },
);

test.for(["dark", "light"] as const)(
  "[DB54] nor on the pages of its states, a simulated market and operations, %s",
  async (colorScheme, { cluster, decks }) => {
    const { deck } = await decks.openOn(cluster, {}, { colorScheme });
    await deck.page.getByRole("radio", { name: "SIM", exact: true }).click();
    await deck.plays();
    await deck.press(/^Buy/);
    await deck.page.getByRole("list", { name: "Fills, newest first" }).getByText("Bought").waitFor();
    await deck.press("Report");
    await deck.page.getByRole("dialog").getByRole("cell", { name: "Bought" }).waitFor();
    expect(await grave(deck)).toEqual([]);
    await deck.page.keyboard.press("Escape");
    await deck.page.getByRole("tab", { name: "Gaps" }).click();
    await deck.page.getByRole("region", { name: "Gaps by price" }).waitFor();
    expect(await grave(deck)).toEqual([]);
    await cluster.tapes.recorded("sparse");
    const sparse = await decks.openOn(cluster, { tape: "sparse" }, { colorScheme });
    expect(await grave(sparse.deck)).toEqual([]);
    await deck.page.getByRole("link", { name: "Operations" }).click();
    await deck.page.getByRole("table", { name: "Sessions" }).getByRole("link").first().waitFor();
    expect(await grave(deck)).toEqual([]);
    for (const tab of ["Nodes", "Feeds", "Tapes", "Reports"]) {
      await deck.page.getByRole("tab", { name: tab }).click();
      await deck.page.getByRole("table").waitFor();
      expect(await grave(deck)).toEqual([]);
    }
    const gone = await decks.open(`${cluster.url}/?session=never-was`, { colorScheme });
    await gone.page.getByRole("heading", { name: "This session is gone" }).waitFor();
    expect(await grave(gone)).toEqual([]);
  },
);

test("[DB52] on a phone one view at a time is shown, all can be reached, and nothing is wider than the screen", async ({
  cluster,
  decks,
}) => {
  const { deck, id, view } = await decks.openOn(
    cluster,
    {},
    { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  );
  await cluster.http.control(id, "seek", { fraction: 0.3 });
  const fits = async () => {
    expect(await deck.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    const outside = await deck.page.evaluate(() =>
      [...document.querySelectorAll("button, a, select, input")].flatMap((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -1 || right > 391) ? [element.outerHTML.slice(0, 120)] : [];
      }),
    );
    expect(outside).toEqual([]);
  };
  for (const tab of ["Price", "Ladder", "Signals", "Trades", "Alerts", "Gaps", "Frame", "Depth"]) {
    await deck.page.getByRole("tab", { name: tab }).tap();
    await deck.page.getByRole("tabpanel").waitFor();
    await fits();
  }
  await deck.page.getByRole("button", { name: "Resume", exact: true }).tap();
  await deck.plays();
  const box = await deck.page.getByRole("slider", { name: "Place on the tape" }).boundingBox();
  await deck.page.touchscreen.tap((box?.x ?? 0) + (box?.width ?? 0) * 0.8, (box?.y ?? 0) + 20);
  const tape = await cluster.tapes.recorded("usdm");
  await expect
    .poll(async () => ((await view()).controller_state.cursor_seq ?? 0) / tape.span.lastSeq, { timeout: 10_000 })
    .toBeGreaterThan(0.75);
  expect(await grave(deck)).toEqual([]);
  // What unfolds stays on the screen, and orders can be given.
  for (const panel of ["Choose a tape", "Session", "Export what is seen", "Choose how far to rewind", "Go to a time"]) {
    await deck.press(panel);
    const { x = -1, width = 0 } = (await deck.page.getByRole("dialog", { name: panel }).boundingBox()) ?? {};
    expect([panel, x >= 0, x + width <= 391]).toEqual([panel, true, true]);
    await fits();
    await deck.page.keyboard.press("Escape");
  }
  await deck.page.getByRole("radio", { name: "SIM", exact: true }).tap();
  await deck.plays();
  await deck.page.getByRole("tab", { name: "Ladder" }).tap();
  await deck.press(/^Buy/);
  await deck.page.getByRole("list", { name: "Fills, newest first" }).getByText("Bought").waitFor();
  await fits();
  await deck.press("Report");
  await deck.page.getByRole("dialog").getByRole("cell", { name: "Bought" }).waitFor();
  await fits();
});

test("[DB53] theme, separators, tabs and filters are remembered", async ({ cluster, decks }) => {
  const { deck } = await decks.openOn(cluster);
  const theme = () => deck.page.evaluate(() => document.documentElement.dataset.theme);
  const before = await theme();
  await deck.key("t");
  expect(await theme()).not.toBe(before);
  await deck.page.getByRole("tab", { name: "Anomalies" }).click();
  await deck.page.getByLabel("Least severity").selectOption("high");
  const ladder = deck.page.locator("section:has(h2:text-is('Ladder'))");
  const width = async () => Math.round((await ladder.boundingBox())?.width ?? 0);
  const wide = await width();
  await deck.page.getByRole("separator", { name: "Resize ladder" }).focus();
  for (let n = 0; n < 3; n++) await deck.page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBeGreaterThan(wide + 20);
  const wider = await width();
  await deck.page.reload();
  await ladder.waitFor();
  expect(await theme()).not.toBe(before);
  expect(Math.abs((await width()) - wider)).toBeLessThan(4);
  expect(await deck.page.getByRole("tab", { name: "Anomalies" }).getAttribute("aria-selected")).toBe("true");
  expect(await deck.page.getByLabel("Least severity").inputValue()).toBe("high");
});
