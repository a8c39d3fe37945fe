import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { PageServer } from "./page-server.js";

/**
 * `npm test` installs Debian's headless shell of Chromium if it can (scripts/prepare.mjs): the same engine without windows. A page of its own
 * profile takes 0.15 s of CPU time there, and 0.55 s in a Chromium without a screen.
 */
const shell = "/usr/bin/chromium-headless-shell";
const executablePath = process.env.CHROMIUM_PATH ?? (existsSync(shell) ? shell : "/usr/bin/chromium");

/** Whether a browser is available. */
export const haveBrowser = existsSync(executablePath);
if (!haveBrowser) {
  console.warn(
    `NO BROWSER: ${executablePath} does not exist, so tests of pages are skipped. Set CHROMIUM_PATH to a Chromium.`,
  );
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless browser, and an origin to serve pages from. */
export class Pages {
  readonly server: PageServer;
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  /** @param names host names of other sites, which all resolve to this machine */
  static async open(names: readonly string[] = []): Promise<Pages> {
    const server = await PageServer.start();
    const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(",");
    // Recent browsers ask the user before a page of another site reaches this machine. The test covers browsers that do not.
    const others = [`--host-resolver-rules=${rules}`, "--disable-features=LocalNetworkAccessChecks"];
    const args = names.length === 0 ? flags : [...flags, ...others];
    return new Pages(server, await chromium.launch({ executablePath, args, headless: true }));
  }

  private constructor(server: PageServer, browser: Browser) {
    this.server = server;
    this.#browser = browser;
  }

  /** Serves a page and opens it in a new profile. */
  async show(path: string, html: string): Promise<OpenedPage> {
    return this.visit(this.server.put(path, html));
  }

  /** Opens a page in a new profile, as a new user. */
  async visit(url: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
    const context = await this.#browser.newContext(options);
    this.#contexts.push(context);
    return openPage(await context.newPage(), url);
  }

  async close(): Promise<void> {
    await Promise.all(this.#contexts.map((context) => context.close()));
    await this.#browser.close();
    await this.server.close();
  }
}

export interface OpenedPage {
  readonly page: Page;
  /** Uncaught exceptions, and errors that the browser reports, such as a failed request. */
  readonly errors: string[];
}

/** Opens an address in a tab. All that goes wrong in the page is kept in its `errors`. */
export async function openPage(page: Page, url: string): Promise<OpenedPage> {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`${message.text()} ${message.location().url}`);
  });
  await page.goto(url);
  return { page, errors };
}
