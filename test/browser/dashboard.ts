import { readFile } from "node:fs/promises";
import { type Frame, frame, type SessionView } from "@tapedeck/protocol";
import type { BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { z } from "zod";
import { haveBrowser, type OpenedPage, Pages } from "../support/browser.js";
import { type TestCluster, type TestClusterOptions, testOnCluster, testOnSharedCluster } from "../support/cluster.js";

/** The dashboard in a browser: what a user does and sees. */
export class DashboardPage {
  readonly page: Page;
  readonly errors: string[];
  /** Name of the last exported file. */
  saved = "";

  constructor({ page, errors }: OpenedPage) {
    this.page = page;
    this.errors = errors;
    page.setDefaultTimeout(20_000);
  }

  /** Presses a button by its name. The name of a popover button has its label and, after a colon, its content. */
  press(name: string | RegExp): Promise<void> {
    const wanted = typeof name === "string" ? new RegExp(`^${name.replace(/[()]/g, "\\$&")}(: .*)?$`) : name;
    return this.page.getByRole("button", { name: wanted }).first().click();
  }

  /** Presses a key without focus on any control. */
  async key(key: string): Promise<void> {
    await this.page.evaluate(() => {
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    });
    await this.page.keyboard.press(key);
  }

  /** Waits for a state, as the transport bar names it. */
  async state(text: "Playing" | "Paused" | "Stopped" | "End of tape"): Promise<void> {
    await this.page.getByLabel("Playback state").getByText(text, { exact: true }).waitFor();
  }

  /** The playhead's time of day. */
  async clock(): Promise<string> {
    return (await this.page.getByTestId("clock").textContent()) ?? "";
  }

  /** The same once it no longer changes: drawing follows the frames by up to an eighth of a second. */
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
    await expect.poll(() => this.clock(), { timeout: 30_000 }).not.toBe(before);
  }

  /** Waits until the page shows the frame at the session's cursor. */
  async showsCursor(cursor: string | null): Promise<void> {
    await expect.poll(() => this.clock(), { timeout: 15_000 }).toBe((cursor ?? "").slice(11, 23));
  }

  sessionId(): Promise<string> {
    return this.fact("session-id");
  }

  /** A value of the session panel. */
  async fact(testId: string): Promise<string> {
    await this.press("Session");
    const text = await this.page.getByTestId(testId).textContent();
    await this.page.keyboard.press("Escape");
    return text ?? "";
  }

  /** The visible frames, read by an export. */
  async visibleFrames(): Promise<Frame[]> {
    return z.array(frame).parse(JSON.parse(await this.exported("Frames, JSON")));
  }

  async visibleSeqs(): Promise<number[]> {
    const frames = z.array(z.object({ seq: z.int() })).parse(JSON.parse(await this.exported("Frames, JSON")));
    return frames.map(({ seq }) => seq);
  }

  /** The file that an entry of the export menu saves. */
  async exported(what: string): Promise<string> {
    return (await this.exportedBytes(what)).toString("utf8");
  }

  async exportedBytes(what: string): Promise<Buffer> {
    await this.press("Export");
    const [download] = await Promise.all([
      this.page.waitForEvent("download"),
      this.page.getByRole("button", { name: new RegExp(what) }).click(),
    ]);
    this.saved = download.suggestedFilename();
    return readFile(await download.path());
  }

  /** The text of all toasts. */
  async toasts(): Promise<string> {
    return (await this.page.getByRole("log", { name: "Notifications" }).textContent()) ?? "";
  }
}

/** Opens dashboards, each in its own browser profile. */
export class Dashboards {
  readonly #pages: Pages;
  readonly #shown: DashboardPage[] = [];

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  async open(url: string, options: BrowserContextOptions = {}): Promise<DashboardPage> {
    const defaults = { viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" } as const;
    const dashboard = new DashboardPage(await this.#pages.visit(url, { ...defaults, ...options }));
    this.#shown.push(dashboard);
    return dashboard;
  }

  async close(): Promise<void> {
    await Promise.all(this.#shown.map(({ page }) => page.context().close()));
  }

  /** Creates a session and opens a page that shows it. */
  async openOn(
    cluster: TestCluster,
    body: Record<string, unknown> = {},
    options: BrowserContextOptions = {},
  ): Promise<{ dashboard: DashboardPage; id: string; view: () => Promise<SessionView> }> {
    const { session_id: id } = await cluster.http.create({ tape: "usdm", max_fps: 60, ...body });
    const dashboard = await this.open(`${cluster.url}/?session=${id}`, options);
    await expect.poll(() => dashboard.clock(), { timeout: 30_000 }).toMatch(/^\d\d:/);
    return { dashboard, id, view: () => cluster.http.session(id) };
  }
}

/** One browser per file. Pages are closed after each test, because pages that keep playing would slow down the next one. */
function withBrowser(base: ReturnType<typeof testOnCluster>) {
  return base
    .extend<{ pages: Pages }>({
      pages: [
        // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures needed from this pattern
        async ({}, use) => {
          const pages = await Pages.open();
          try {
            await use(pages);
          } finally {
            await pages.close();
          }
        },
        { scope: "file" },
      ],
    })
    .extend<{ dashboards: Dashboards }>({
      dashboards: async ({ pages }, use) => {
        const dashboards = new Dashboards(pages);
        try {
          await use(dashboards);
        } finally {
          await dashboards.close();
        }
      },
    })
    .runIf(haveBrowser);
}

/** Tests of the page on a cluster that all files share; skipped with a warning without a browser. */
export const test = withBrowser(testOnSharedCluster());

/** The same on a cluster of the file's own, with these options. */
export const testWith = (options: () => TestClusterOptions) => withBrowser(testOnCluster(options));
