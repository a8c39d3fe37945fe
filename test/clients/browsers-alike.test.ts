import { afterAll, beforeAll, describe, expect } from "vitest";
import { haveBrowser, Pages } from "../support/browser.js";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { OldPage } from "./old-pages.js";

const test = testOnCluster();
const testWithoutGuess = testOnCluster(() => ({
  ...{ apis: 1, gateways: 1, tickers: 1 },
  env: { api: { LEGACY_MODE_GUESS: "off" } },
}));

/** What a change of mode would change in these sessions. */
async function modesOf(cluster: TestCluster, ...ids: string[]) {
  return Promise.all(
    ids.map(async (id) => {
      const { mode, epoch } = await cluster.http.session(id);
      return { mode, epoch };
    }),
  );
}

/** Presses a button that fails: the page has to show that, and nothing may change. */
async function pressAndFail(page: OldPage, button: string): Promise<void> {
  const { lost } = await page.seen();
  await page.press(button);
  expect(await page.status()).toBe("Connection lost");
  expect((await page.seen()).lost.slice(lost.length)).toEqual([
    expect.stringMatching(/^POST \/mode: 409 .*"code":"WHICH_SESSION"/),
  ]);
}

describe.skipIf(!haveBrowser)("the third build in browsers of one User-Agent behind one address", () => {
  let pages: Pages;
  beforeAll(async () => {
    pages = await Pages.open();
  });
  afterAll(() => pages?.close());

  /** Two pages in separate browser profiles with the same User-Agent. */
  async function twoAlike(cluster: TestCluster) {
    const [one, two] = [
      await OldPage.open(pages, cluster, "session-build"),
      await OldPage.open(pages, cluster, "session-build"),
    ];
    await Promise.all([one.draws(5), two.draws(5)]);
    // Creates `global`, so that the test sees that it does not change.
    await cluster.http.call("POST", "/replay/start");
    return { one, two, a: await one.sessionId(), b: await two.sessionId() };
  }

  test("[EC9] the mode button of each page changes its own session", async ({ cluster }) => {
    const { one, two, a, b } = await twoAlike(cluster);
    const [, others, shared] = await modesOf(cluster, a, b, "global");
    await one.press("SIMULATION");
    expect((await cluster.http.session(a)).mode).toBe("SIMULATION");
    expect(await modesOf(cluster, b, "global")).toEqual([others, shared]);
    await two.press("LIVE");
    expect((await cluster.http.session(a)).mode).toBe("SIMULATION");
    expect((await cluster.http.session(b)).mode).toBe("LIVE");
    await Promise.all([one.press("REPLAY"), two.press("REPLAY")]);
    expect(await modesOf(cluster, a, b)).toMatchObject([{ mode: "REPLAY" }, { mode: "REPLAY" }]);
    expect(await modesOf(cluster, "global")).toEqual([shared]);
    for (const page of [one, two]) {
      await page.draws(5);
      await page.expectContent();
      await page.page.close();
    }
  });

  test("[EC9] the same holds with the page that tries models in another tab of the same browser", async ({
    cluster,
  }) => {
    const page = await OldPage.open(pages, cluster, "session-build", "with two tabs");
    await page.draws(5);
    const models = await page.beside("model-test");
    await models.draws(5);
    await page.press("LIVE");
    expect(await page.status()).toBe("Connected");
    const ids = [await page.sessionId(), await models.sessionId()];
    expect(await modesOf(cluster, ...ids)).toMatchObject([{ mode: "LIVE" }, { mode: "REPLAY" }]);
    await page.press("REPLAY");
    for (const each of [page, models]) {
      await each.draws(5);
      await each.expectContent();
      await each.page.close();
    }
  });

  test("[EC9] if nothing tells two pages apart, the button fails, the page shows that, and nothing changes", async ({
    cluster,
  }) => {
    const { one, two, a, b } = await twoAlike(cluster);
    for (const page of [one, two]) {
      await page.page.evaluate("localStorage.setItem('token', 'the same for all')");
      await page.press("start");
    }
    const before = await modesOf(cluster, a, b, "global");
    for (const page of [one, two]) await pressAndFail(page, "LIVE");
    expect(await modesOf(cluster, a, b, "global")).toEqual(before);
    for (const page of [one, two]) {
      await page.press("pause");
      expect(await page.status()).toBe("Connected");
      await page.expectContent({ refused: [/409/] });
      await page.page.close();
    }
  });

  testWithoutGuess(
    "[EC10] with LEGACY_MODE_GUESS off the button fails, the page shows that, and nothing changes",
    async ({ cluster }) => {
      const first = await OldPage.open(pages, cluster, "first-build");
      const third = await OldPage.open(pages, cluster, "session-build");
      await Promise.all([first.draws(5), third.draws(5)]);
      const id = await third.sessionId();
      const before = await modesOf(cluster, id, "global");
      await pressAndFail(third, "LIVE");
      expect((await third.seen()).lost[0]).toMatch(/LEGACY_MODE_GUESS/);
      expect(await modesOf(cluster, id, "global")).toEqual(before);
      // The first build has only the shared session, whatever else is open.
      await first.press("SIMULATION");
      expect(await modesOf(cluster, id, "global")).toMatchObject([before[0] ?? {}, { mode: "SIMULATION" }]);
      await first.expectContent();
      await third.expectContent({ refused: [/409/] });
      for (const page of [first, third]) await page.page.close();
    },
  );
});
