// Draws the pictures of the README from real recordings: `npx tsx test/browser/screenshots.ts`. They are to be looked at, and
// committed where they are right.
import { mkdirSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { Pages } from "../support/browser.js";
import { type Staged, stage } from "./staged.js";

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
mkdirSync(folder, { recursive: true });

const wide = { viewport: { width: 1220, height: 770 } };
const narrow = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true };

/** Wall time in which enough comes in to fill a minute of the heatmap. */
const fillMs = 45_000;

const staged = await stage(["primary", "eth", "usdm"]);
const pages = await Pages.open();
try {
  await shoot("deck-dark", { colorScheme: "dark", ...wide }, { fraction: 0.22 }, async (page) => {
    await page.getByRole("tab", { name: "Anomalies" }).click();
    await page.getByLabel("Least severity").selectOption("low");
  });
  await shoot("deck-light", { colorScheme: "light", ...wide }, { fraction: 0.52 }, async () => {});
  await shoot("inspecting", { colorScheme: "dark", ...wide }, { fraction: 0.6 }, async (page) => {
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("tab", { name: "Inspector" }).click();
    await page.getByRole("radio", { name: "Levels" }).click();
    const box = await page.locator("[data-renderer]").boundingBox();
    if (box) await page.mouse.click(box.x + box.width * 0.55, box.y + box.height * 0.45);
  });
  await shoot("simulation", { colorScheme: "dark", ...wide }, undefined, async (page) => {
    await page.getByRole("radio", { name: "SIM", exact: true }).click();
    await sleep(12_000);
    await page.getByRole("button", { name: /^Buy/ }).click();
    await sleep(14_000);
    await page.getByRole("button", { name: /^Sell/ }).click();
    await sleep(8_000);
  });
  await shoot("phone-dark", { colorScheme: "dark", ...narrow }, { fraction: 0.3 }, async () => {});
  await shoot("phone-light", { colorScheme: "light", ...narrow }, { fraction: 0.3 }, async (page) => {
    await page.getByRole("tab", { name: "Ladder" }).click();
  });
  await shoot("operations", { colorScheme: "light", ...wide }, { fraction: 0.1 }, async (page) => {
    await page.getByRole("link", { name: "Operations" }).click();
    await page.getByTestId("sessions").getByRole("link").first().waitFor();
    await sleep(2500);
  });
} finally {
  await pages.close();
  await staged.stop();
}

/** One picture: of a session at a place on the tape, after what `act` does. */
async function shoot(
  name: string,
  options: BrowserContextOptions,
  place: object | undefined,
  act: (page: Page) => Promise<void>,
): Promise<void> {
  const id = await session(staged, place);
  const { page, troubles } = await pages.visit(`${staged.cluster.url}/?session=${id}`, options);
  page.setDefaultTimeout(20_000);
  await page.waitForFunction(() => performance.getEntriesByName("tapedeck:first-frame").length > 0);
  if (place) await sleep(fillMs);
  await act(page);
  await page.mouse.move(2, 2);
  await sleep(1500);
  const path = `${folder}${name}.png`;
  await page.screenshot({ path });
  await page.context().close();
  console.log(`${name}: ${Math.round(statSync(path).size / 1000)} KB ${troubles.join("; ")}`);
}

async function session({ create, control }: Staged, place: object | undefined): Promise<string> {
  const id = await create({ tape: "primary", max_fps: 60 });
  if (place) await control(id, "seek", place);
  await control(id, "start");
  return id;
}
