import { afterAll, beforeAll, describe, expect } from "vitest";
import { haveBrowser, Pages } from "../support/browser.js";
import { test } from "../support/cluster.js";
import { breaksIn, OldPage } from "./old-pages.js";

describe.skipIf(!haveBrowser)("the first version's pages, from another origin", () => {
  let pages: Pages;
  beforeAll(async () => {
    pages = await Pages.open();
  });
  afterAll(() => pages?.close());

  test("[EC1] the first build gets frames without a start call, and its controls act on the session it shows", async ({
    cluster,
  }) => {
    const page = await OldPage.open(pages, cluster, "first-build");
    await page.draws(20);
    expect((await cluster.http.session("global")).state).toBe("PLAYING");
    expect(breaksIn(await page.frames())).toEqual([]);
    for (const action of ["pause", "pause", "resume", "start", "speed/10", "goback/30", "start"])
      await page.press(action);
    expect(await cluster.http.session("global")).toMatchObject({ state: "PLAYING", speed: 10 });
    await page.draws(20);
    for (const mode of ["SIMULATION", "LIVE", "REPLAY"]) await page.press(mode);
    expect((await cluster.http.session("global")).mode).toBe("REPLAY");
    expect(await page.status()).toBe("Connected");
    await page.expectContent();
    await page.page.close();
  });

  test("[EC1] the first build starts a stopped global session, and two of its pages share that session", async ({
    cluster,
  }) => {
    await cluster.http.call("POST", "/replay/stop");
    const one = await OldPage.open(pages, cluster, "first-build");
    const two = await OldPage.open(pages, cluster, "first-build", "two");
    await Promise.all([one.draws(10), two.draws(10)]);
    await one.press("pause");
    await one.press("speed/2");
    expect((await cluster.http.session("global")).state).toBe("PAUSED");
    await two.press("resume");
    await Promise.all([one.draws(10), two.draws(10)]);
    for (const page of [one, two]) {
      await page.expectContent();
      await page.page.close();
    }
  });

  test("[EC2] the second build signs in as any user and does the same", async ({ cluster }) => {
    const page = await OldPage.open(pages, cluster, "login-build");
    await page.draws(10);
    expect(await page.page.title()).toMatch(/^Dashboard of \S+, since \d{4}/);
    for (const action of ["start", "pause", "resume", "speed/5", "goback/10"]) await page.press(action);
    await page.press("SIMULATION");
    await page.draws(20);
    await page.press("REPLAY");
    await page.press("start");
    await page.draws(10);
    await page.expectContent();
    await page.page.close();
  });

  test("[EC3] each user of the third build has a session of their own", async ({ cluster }) => {
    const one = await OldPage.open(pages, cluster, "session-build", "one");
    const two = await OldPage.open(pages, cluster, "session-build", "two");
    await Promise.all([one.draws(10), two.draws(10)]);
    const [a, b] = [await one.sessionId(), await two.sessionId()];
    await one.press("speed/0.5");
    await one.press("pause");
    await two.press("speed/3");
    expect(await cluster.http.session(a)).toMatchObject({ state: "PAUSED", speed: 0.5 });
    expect(await cluster.http.session(b)).toMatchObject({ state: "PLAYING", speed: 3 });
    expect((await cluster.http.session(a)).controller_state.max_fps).toBe(20);
    const still = (await one.seen()).drawn;
    await two.draws(20);
    expect((await one.seen()).drawn).toBe(still);
    for (const speed of [0.5, 1, 2, 3, 5, 10]) await one.press(`speed/${speed}`);
    for (const action of ["resume", "goback/10", "start"]) await one.press(action);
    await one.draws(10);
    for (const page of [one, two]) {
      await page.expectContent();
      await page.page.close();
    }
  });

  test("[EC3] reloading the third build's page returns to its session", async ({ cluster }) => {
    const page = await OldPage.open(pages, cluster, "session-build");
    await page.draws(5);
    const id = await page.sessionId();
    await page.press("speed/5");
    await page.reload();
    await page.draws(5);
    expect(await page.sessionId()).toBe(id);
    expect((await cluster.http.session(id)).speed).toBe(5);
    await page.expectContent();
    await page.page.close();
  });

  test("[EC4] the third build's mode names no session and means its own", async ({ cluster }) => {
    const one = await OldPage.open(pages, cluster, "session-build", "one");
    const two = await OldPage.open(pages, cluster, "session-build", "two");
    await Promise.all([one.draws(5), two.draws(5)]);
    const shared = (await cluster.http.session("global")).epoch;
    await one.press("SIMULATION");
    expect((await cluster.http.session(await one.sessionId())).mode).toBe("SIMULATION");
    expect((await cluster.http.session(await two.sessionId())).mode).toBe("REPLAY");
    expect((await cluster.http.session("global")).epoch).toBe(shared);
    await one.draws(20);
    for (const page of [one, two]) {
      await page.expectContent();
      await page.page.close();
    }
  });

  test("[EC4] its orders trade in its own simulated market, and nothing else that it sends has an effect", async ({
    cluster,
  }) => {
    const page = await OldPage.open(pages, cluster, "session-build");
    await page.draws(5);
    await page.click("ping");
    await page.click("garbage");
    await page.press("SIMULATION");
    await page.draws(10);
    await page.click("BUY");
    await page.page.waitForFunction(`window.seen.texts.some((text) => text.includes('"own":true'))`);
    expect((await cluster.http.session(await page.sessionId())).account?.position).toBeGreaterThan(0);
    await page.draws(10);
    await page.expectContent();
    await page.page.close();
  });

  test("[EC5] the model test reads the mode from the metrics, and gets a 404 for strategies that no longer exist", async ({
    cluster,
  }) => {
    const page = await OldPage.open(pages, cluster, "model-test");
    await page.draws(10);
    expect(await page.page.title()).toBe("Model test in replay");
    await page.press("strategy start");
    await page.press("strategy stop");
    const { lost } = await page.seen();
    expect(lost).toHaveLength(2);
    for (const one of lost) expect(one).toMatch(/404 \{"status":"error","code":"ROUTE_NOT_FOUND"/);
    await page.draws(10);
    await page.expectContent({ refused: [/strategy/] });
    await page.page.close();
  });

  test("[EC6] the page of reports names the reports of sessions with orders", async ({ cluster }) => {
    const trader = await OldPage.open(pages, cluster, "session-build");
    await trader.draws(5);
    await trader.press("SIMULATION");
    await trader.draws(10);
    await trader.click("BUY");
    const id = await trader.sessionId();
    const page = await OldPage.open(pages, cluster, "reports");
    await expect
      .poll(
        async () => {
          await page.page.reload();
          return page.page.title();
        },
        { timeout: 30_000 },
      )
      .toContain(`Orders of session ${id}`);
    expect((await page.seen()).lost).toEqual([]);
    await Promise.all([page.page.close(), trader.page.close()]);
  });

  test("[EC7] the seed document's client: id in the query, action first, bodies as text/plain", async ({ cluster }) => {
    const one = await OldPage.open(pages, cluster, "seed-client", "one");
    const two = await OldPage.open(pages, cluster, "seed-client", "two");
    await Promise.all([one.draws(10), two.draws(10)]);
    const [a, b] = [await one.sessionId(), await two.sessionId()];
    await one.press("pause");
    await two.press("speed/10");
    expect(await cluster.http.session(a)).toMatchObject({ state: "PAUSED", speed: 1 });
    expect(await cluster.http.session(b)).toMatchObject({ state: "PLAYING", speed: 10 });
    await one.press("SIMULATION");
    await one.draws(20);
    await one.press("LIVE");
    expect(await cluster.http.session(a)).toMatchObject({ mode: "LIVE", active_symbol: "BTCUSDT" });
    await one.press("REPLAY");
    for (const action of ["start", "goback/30", "stop", "start", "resume"]) await one.press(action);
    await one.draws(10);
    expect((await cluster.http.session(b)).mode).toBe("REPLAY");
    for (const page of [one, two]) {
      await page.expectContent();
      await page.page.close();
    }
  });
});
