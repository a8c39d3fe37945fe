// Draws the pictures that README.md and docs/screenshots.md show, from real recordings: `npx tsx test/browser/screenshots.ts [part of
// a name] [scene]`. Look at them before you commit them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { Pages } from "../support/browser.js";
import { stage } from "./staged.js";

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
mkdirSync(folder, { recursive: true });
const [, , only = "", onlyScene = ""] = process.argv;

const pages = ["README.md", "docs/screenshots.md"]
  .map((name) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"))
  .join();
const isWanted = (name: string) => name.includes(only) && pages.includes(`images/${name}.webp`);

const sizes = {
  wide: { viewport: { width: 1280, height: 800 } },
  narrow: { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true },
} as const satisfies Record<string, BrowserContextOptions>;

const staged = await stage(["primary", "eth", "usdm", "sparse"], {
  feeds: 1,
  env: { feed: { KRAKEN_URL: "ws://127.0.0.1:9/" } },
});
const empty = await stage([]);
const browser = await Pages.open();
/** Compresses the pictures. */
const { page: converter } = await browser.visit("about:blank");

/** Takes the pictures of one theme at one size. */
class Photographer {
  readonly #size: keyof typeof sizes;
  readonly #theme: "dark" | "light";

  constructor(size: keyof typeof sizes, theme: "dark" | "light") {
    this.#size = size;
    this.#theme = theme;
  }

  async replay(): Promise<void> {
    const id = await staged.create({ tape: "primary", max_fps: 60, speed: 5 });
    await staged.control(id, "seek", { fraction: 0.2 });
    await staged.control(id, "start");
    const page = await this.#open(`${staged.cluster.url}/?session=${id}`);
    await sleep(10_000);
    await staged.control(id, "speed/1");
    await sleep(3000);
    if (this.#size === "narrow") {
      for (const tab of ["Depth", "Price", "Ladder", "Signals", "Trades", "Alerts", "Gaps", "Frame"]) {
        await page.getByRole("tab", { name: tab }).click();
        if (tab === "Alerts") await page.getByLabel("Minimum severity").selectOption("low");
        await sleep(700);
        await this.#take(page, tab.toLowerCase());
      }
    } else {
      await this.#take(page, "deck");
      await page.getByRole("button", { name: "Whole book" }).click();
      await sleep(4000);
      await this.#take(page, "whole-book");
      await page.getByRole("button", { name: "Reset zoom" }).click();
      await page.getByRole("tab", { name: "Anomalies" }).click();
      await page.getByLabel("Minimum severity").selectOption("low");
      await sleep(700);
      await this.#take(page, "anomalies");
      await page.getByRole("button", { name: "Pause", exact: true }).click();
      await page.getByRole("tab", { name: "Inspector" }).click();
      await page.getByRole("radio", { name: "Levels" }).click();
      const box = await page.locator("[data-renderer]").boundingBox();
      if (box) await page.mouse.click(box.x + box.width * 0.55, box.y + box.height * 0.45);
      await page.mouse.move(2, 2);
      await sleep(600);
      await this.#take(page, "inspecting");
      await page.keyboard.press("Escape");
    }
    for (const [panel, name] of [
      ["Choose a tape", "tapes"],
      ["Session", "session"],
    ] as const) {
      await page.getByRole("button", { name: new RegExp(`^${panel}`) }).click();
      await sleep(600);
      await this.#take(page, name);
      await page.keyboard.press("Escape");
    }
    await page.getByRole("button", { name: "Keyboard shortcuts and help" }).click();
    await sleep(400);
    await this.#take(page, "help");
    await page.context().close();
  }

  async simulation(): Promise<void> {
    const id = await staged.create({ mode: "SIMULATION", seed: "11", scenario: "mixed", max_fps: 60, speed: 3 });
    await staged.control(id, "start");
    const page = await this.#open(`${staged.cluster.url}/?session=${id}`);
    if (this.#size === "narrow") await page.getByRole("tab", { name: "Ladder" }).click();
    await sleep(8000);
    for (const side of ["Buy", "Buy", "Sell"]) {
      await page.getByRole("button", { name: new RegExp(`^${side}`) }).click();
      await sleep(1800);
    }
    await sleep(1000);
    await this.#take(page, "simulation");
    if (isWanted(`report-${this.#size}-${this.#theme}`)) {
      await page.getByRole("button", { name: "Report", exact: true }).click();
      await page.getByRole("cell", { name: "Sold" }).waitFor();
      await sleep(500);
      await this.#take(page, "report");
    }
    await page.context().close();
  }

  /** A tape of seven short windows, with the pointer on a gap; and liquidity gaps. */
  async sparse(): Promise<void> {
    const id = await staged.create({ tape: "sparse", max_fps: 60 });
    await staged.control(id, "seek", { fraction: 0.35 });
    const page = await this.#open(`${staged.cluster.url}/?session=${id}`);
    await page.getByRole("tab", { name: "Gaps" }).click();
    const box = await page.getByRole("slider", { name: "Position on the tape" }).boundingBox();
    if (box) await page.mouse.move(box.x + box.width * 0.425, box.y + 30);
    await sleep(2500);
    await this.#take(page, "sparse");
    await page.context().close();
  }

  async live(): Promise<void> {
    const id = await staged.create({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT", max_fps: 60 });
    const page = await this.#open(`${staged.cluster.url}/?session=${id}`);
    await sleep(this.#size === "wide" && this.#theme === "dark" ? 30_000 : 4000);
    await this.#take(page, "live");
    await page.getByRole("button", { name: /^Rewind/ }).click();
    await sleep(2500);
    await this.#take(page, "shifted");
    const down = await staged.create({ mode: "LIVE", source: "KRAKEN" });
    await page.goto(`${staged.cluster.url}/?session=${down}`);
    await page.getByRole("heading", { name: /is down$/ }).waitFor();
    await sleep(500);
    await this.#take(page, "down");
    await page.context().close();
  }

  async operations(): Promise<void> {
    const page = await this.#open(`${staged.cluster.url}/operations`);
    await page.getByRole("table", { name: "Sessions" }).getByRole("link").first().waitFor();
    for (const tab of ["Sessions", "Nodes", "Feeds", "Tapes", "Reports"]) {
      await page.getByRole("tab", { name: tab }).click();
      await sleep(1200);
      await this.#take(page, `operations-${tab.toLowerCase()}`);
    }
    await page.context().close();
  }

  async states(): Promise<void> {
    const page = await this.#open(`${staged.cluster.url}/?session=never-was`);
    await page.getByRole("heading", { name: "Session not found" }).waitFor();
    await this.#take(page, "gone");
    await page.goto(`${staged.cluster.url}/?api=http://127.0.0.1:9`);
    await page.getByRole("button", { name: /^Trust / }).click();
    await page.getByRole("heading", { name: "Cannot reach the cluster" }).waitFor();
    await this.#take(page, "unreachable");
    await page.goto(empty.cluster.url);
    await page.getByRole("heading", { name: "No tapes yet" }).waitFor();
    await this.#take(page, "empty");

    const id = await staged.create({ tape: "eth", max_fps: 60 });
    await staged.control(id, "start");
    await page.goto(`${staged.cluster.url}/?session=${id}`);
    await page.waitForFunction(() => performance.getEntriesByName("tapedeck:first-frame").length > 0);
    await sleep(3000);
    await page.context().setOffline(true);
    for (const gateway of staged.cluster.gateways) gateway.child.kill("SIGKILL");
    await page.getByTestId("reconnecting").waitFor();
    await sleep(1500);
    await this.#take(page, "reconnecting");
    await page.context().close();
    // The cluster restarts the killed gateways.
    while (!staged.cluster.gateways.every(({ ready }) => ready)) await sleep(100);
  }

  async #open(url: string): Promise<Page> {
    const { page } = await browser.visit(url, { colorScheme: this.#theme, ...sizes[this.#size] });
    page.setDefaultTimeout(20_000);
    return page;
  }

  async #take(page: Page, what: string): Promise<void> {
    const name = `${what}-${this.#size}-${this.#theme}`;
    if (!isWanted(name)) return;
    const png = (await page.screenshot()).toString("base64");
    // A quarter of the size of a PNG, without a visible difference.
    const webp = await converter.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/png;base64,${base64}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      canvas.getContext("2d")?.drawImage(image, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.88 });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    }, png);
    const bytes = Buffer.from(webp, "base64");
    writeFileSync(`${folder}${name}.webp`, bytes);
    console.log(`${name}: ${Math.round(bytes.length / 1000)} KB`);
  }
}

/** The pictures that each scene takes. */
const scenes = {
  replay: [
    ...["deck", "whole-book", "anomalies", "inspecting", "tapes", "session", "help"],
    ...["depth", "price", "ladder", "signals", "trades", "alerts", "gaps", "frame"],
  ],
  simulation: ["simulation", "report"],
  sparse: ["sparse"],
  live: ["live", "shifted", "down"],
  operations: ["sessions", "nodes", "feeds", "tapes", "reports"].map((tab) => `operations-${tab}`),
  states: ["gone", "unreachable", "empty", "reconnecting"],
} as const;
const sceneNames = ["replay", "simulation", "sparse", "live", "operations", "states"] as const;

try {
  for (const size of ["wide", "narrow"] as const) {
    for (const theme of ["dark", "light"] as const) {
      const photographer = new Photographer(size, theme);
      for (const scene of sceneNames) {
        const wanted = scenes[scene].some((name) => isWanted(`${name}-${size}-${theme}`));
        if (wanted && (onlyScene === "" || onlyScene === scene)) await photographer[scene]();
      }
    }
  }
} finally {
  await browser.close();
  await Promise.all([staged.stop(), empty.stop()]);
}
