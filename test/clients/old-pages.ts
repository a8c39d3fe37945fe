import { checkFrame, checkNext, legacyHistoryMessage } from "@tapedeck/protocol";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { z } from "zod";
import { type OpenedPage, openPage, type Pages } from "../support/browser.js";
import type { TestCluster } from "../support/cluster.js";

/** What a page records for the test (pages/old-page.js). */
const seen = z.object({
  texts: z.array(z.string()),
  drawn: z.int(),
  closed: z.int(),
  lost: z.array(z.string()),
  answers: z.record(z.string(), z.looseObject({})),
});
export type Seen = z.infer<typeof seen>;

/** An old page in a browser, served from another origin than the cluster's. */
export class OldPage {
  readonly page: Page;
  readonly #shown: OpenedPage;

  /** @param user decides the browser's User-Agent */
  static async open(pages: Pages, cluster: TestCluster, name: string, user = "one"): Promise<OldPage> {
    pages.server.putAll(new URL("./pages/", import.meta.url));
    const url = `${pages.server.origin}/${name}.html?backend=${encodeURIComponent(cluster.url)}`;
    return new OldPage(await pages.visit(url, { userAgent: `Mozilla/5.0 (old page of user ${user})` }));
  }

  private constructor(shown: OpenedPage) {
    this.#shown = shown;
    this.page = shown.page;
  }

  /** Another of the old pages in another tab of the same browser. */
  async beside(name: string): Promise<OldPage> {
    const url = new URL(this.page.url());
    url.pathname = `/${name}.html`;
    return new OldPage(await openPage(await this.page.context().newPage(), url.href));
  }

  async sessionId(): Promise<string> {
    return z.string().parse(await this.page.evaluate("window.sessionId"));
  }

  async seen(): Promise<Seen> {
    return seen.parse(await this.page.evaluate("window.seen"));
  }

  /** Presses a button and waits for the response to its request. */
  async press(name: string): Promise<void> {
    const answered = this.page.waitForResponse((response) => response.request().method() === "POST");
    await this.click(name);
    await answered;
    await this.page.waitForFunction("document.getElementById('status').textContent !== ''");
  }

  /** Presses a button that sends no request. */
  async click(name: string): Promise<void> {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  /** Waits until this many more messages are drawn. */
  async draws(count: number): Promise<void> {
    const before = (await this.seen()).drawn;
    await this.page.waitForFunction(`window.seen.drawn >= ${before + count}`);
  }

  async status(): Promise<string | null> {
    return this.page.textContent("#status");
  }

  /** The frames after the history, in the order in which they came. */
  async frames(): Promise<Record<string, unknown>[]> {
    const { texts } = await this.seen();
    const frame = z.looseObject({ type: z.literal("snapshot"), seq: z.int() });
    return texts.slice(1).map((text) => frame.parse(JSON.parse(text)));
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** Checks what holds for every old page, whatever was pressed: it drew every message, had no error, and got only valid messages. */
  async expectContent({ refused = [] }: { refused?: readonly RegExp[] } = {}): Promise<void> {
    const { texts, drawn, lost, closed } = await this.seen();
    expect(lost.filter((one) => !refused.some((pattern) => pattern.test(one)))).toEqual([]);
    expect(this.#shown.errors.filter((one) => !refused.some((pattern) => pattern.test(one)))).toEqual([]);
    expect(closed).toBe(0);
    expect(drawn).toBe(texts.length);
    const [first = "", ...rest] = texts;
    const { data } = legacyHistoryMessage.parse(JSON.parse(first));
    const all = [...data, ...rest.map((text): unknown => JSON.parse(text))];
    expect(all.length).toBeGreaterThan(0);
    for (const frame of all) expect(checkFrame(frame)).toEqual([]);
  }
}

/** The faults between consecutive frames of one epoch. */
export function breaksIn(frames: readonly unknown[]): string[] {
  return frames.flatMap((frame, at) => (at === 0 ? [] : checkNext(frames[at - 1], frame)));
}
