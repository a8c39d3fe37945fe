import type { Page } from "playwright-core";
import { expect } from "vitest";
import { Pages, type ShownPage } from "../support/browser.js";
import { test as onCluster } from "../support/cluster.js";

/** The dashboard in a browser, as somebody uses it. */
export class ShownDeck {
  readonly page: Page;
  readonly troubles: string[];

  constructor({ page, troubles }: ShownPage) {
    this.page = page;
    this.troubles = troubles;
    page.setDefaultTimeout(20_000);
  }

  /** Presses the button of that name. */
  press(name: string | RegExp): Promise<void> {
    return this.page
      .getByRole("button", { name, exact: typeof name === "string" })
      .first()
      .click();
  }

  /** Waits for the deck to be in a state, as the transport bar names it. */
  async state(text: string): Promise<void> {
    await this.page.getByLabel("State of the deck").getByText(text, { exact: true }).waitFor();
  }

  /** The playhead's time of day. */
  async clock(): Promise<string> {
    return (await this.page.getByTestId("clock").textContent()) ?? "";
  }

  /** The same once it stands still: what is drawn follows what has come by up to an eighth of a second. */
  async settledClock(): Promise<string> {
    let before = "";
    await expect
      .poll(
        async () => {
          const now = await this.clock();
          const still = now === before;
          before = now;
          return still;
        },
        { interval: 300, timeout: 15_000 },
      )
      .toBe(true);
    return before;
  }

  /** Waits until the playhead moves on. */
  async plays(): Promise<void> {
    await expect.poll(() => this.clock(), { timeout: 30_000 }).toMatch(/^\d\d:/);
    const before = await this.clock();
    await expect.poll(() => this.clock(), { timeout: 20_000 }).not.toBe(before);
  }

  async sessionId(): Promise<string> {
    await this.press("Session");
    const id = await this.page.getByTestId("session-id").textContent();
    await this.page.keyboard.press("Escape");
    return id ?? "";
  }
}

/** Opens dashboards, each in a profile of its own. */
export class Decks {
  readonly #pages: Pages;

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  async open(url: string): Promise<ShownDeck> {
    return new ShownDeck(await this.#pages.visit(url));
  }
}

export const test = onCluster.extend<{ decks: Decks }>({
  decks: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures needed from this pattern
    async ({}, use) => {
      const pages = await Pages.open();
      try {
        await use(new Decks(pages));
      } finally {
        await pages.close();
      }
    },
    { scope: "test" },
  ],
});
