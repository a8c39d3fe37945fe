import { tradingAnswer } from "@tapedeck/protocol";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { FakeBinance } from "../support/exchange/binance.js";
import { type DashboardPage, testWith } from "./dashboard.js";
import { LadderRows, Orders, patience, sent } from "./trading-page.js";

const exchange = new FakeBinance();
beforeAll(async () => {
  await exchange.open();
  exchange.market("BTCUSDT").run();
});
afterAll(() => exchange.close());

const test = testWith(() => ({
  feeds: 1,
  env: {
    feed: {
      BINANCE_URL: exchange.url,
      BINANCE_REST_URL: exchange.restUrl,
      // Nothing listens there.
      KRAKEN_URL: "ws://127.0.0.1:9/",
    },
  },
}));

/** The button that jumps to the edge and is lit there. */
const liveButton = (page: Page) => page.getByRole("button", { name: "LIVE", exact: true });
const atEdge = (dashboard: DashboardPage, edge: boolean) =>
  liveButton(dashboard.page)
    .and(dashboard.page.locator(`[data-edge=${edge}]`))
    .waitFor();

/** Chooses the default market of a source, as a user does. */
async function goLive(dashboard: DashboardPage, source: string): Promise<void> {
  await dashboard.page.getByRole("radio", { name: "LIVE", exact: true }).click();
  await dashboard.press("Choose a market");
  await dashboard.page.getByLabel("Source").selectOption(source);
  await dashboard.press("Watch");
}

/** The distance that the page shows beside the button; 0 if none. */
async function secondsBehind(dashboard: DashboardPage): Promise<number> {
  const text = (await dashboard.page.getByTestId("behind").allTextContents())[0] ?? "0 s";
  const [, amount = "", unit] = /^([\d.]+) (ms|s|min) behind$/.exec(text) ?? [];
  return Number(amount) * (unit === "min" ? 60 : unit === "ms" ? 0.001 : 1);
}

/** The visible seqs, without gap or repeat. */
async function seqsWithoutGap(dashboard: DashboardPage): Promise<number[]> {
  const seqs = await dashboard.visibleSeqs();
  expect(seqs).toEqual(seqs.map((_, nth) => (seqs[0] ?? 0) + nth));
  return seqs;
}

test("[DB31] in LIVE the button is lit at the edge, and a pause leaves the edge", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await goLive(dashboard, "SIM");
  await dashboard.plays();
  await atEdge(dashboard, true);
  expect(await view()).toMatchObject({ mode: "LIVE", active_source: "SIM", behind_ms: 0 });
  expect(await liveButton(dashboard.page).evaluate((button) => getComputedStyle(button).boxShadow)).not.toBe("none");
  expect(await dashboard.page.getByTestId("behind").count()).toBe(0);

  await dashboard.press("Pause");
  await atEdge(dashboard, false);
  expect(await liveButton(dashboard.page).evaluate((button) => getComputedStyle(button).boxShadow)).toBe("none");
  // The distance grows every second without jumps.
  const distances: number[] = [];
  await expect
    .poll(async () => distances[distances.push(await secondsBehind(dashboard)) - 1], { timeout: 20_000, interval: 400 })
    .toBeGreaterThan(6);
  expect(distances).toEqual([...distances].sort((a, b) => a - b));
  // The operations page lists the market, too.
  const operations = await dashboards.open(`${cluster.url}/operations`);
  await operations.page.getByRole("tab", { name: "Feeds" }).click();
  const market = operations.page.getByRole("row", { name: /^SIM BTCUSDT/ });
  await market.getByText("up", { exact: true }).waitFor();
  const { behind_ms } = await view();
  expect(Math.abs((behind_ms ?? 0) / 1000 - (await secondsBehind(dashboard)))).toBeLessThan(2);
});

test("[DB33] pausing, rewinding, slow motion and catching up lose no frame and show none twice", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, view } = await dashboards.openOn(cluster, {
    mode: "LIVE",
    source: "SIM",
    symbol: "ETHUSDT",
    max_fps: 0,
  });
  await dashboard.page.getByLabel("Visible time span").selectOption("300000");
  await atEdge(dashboard, true);
  await expect.poll(async () => (await dashboard.visibleSeqs()).length, { timeout: 20_000 }).toBeGreaterThan(60);

  await dashboard.press("Pause");
  await dashboard.state("Paused");
  const paused = (await seqsWithoutGap(dashboard)).at(-1);
  expect(paused).toBe((await view()).controller_state.cursor_seq);
  await expect.poll(() => secondsBehind(dashboard), { timeout: 20_000 }).toBeGreaterThan(2);
  await dashboard.press("Resume");
  await dashboard.plays();
  await atEdge(dashboard, false);
  // At five times the speed, playback reaches the edge and stays there.
  await dashboard.page.getByRole("radio", { name: "5×", exact: true }).click();
  await atEdge(dashboard, true);
  await expect.poll(async () => (await view()).behind_ms).toBe(0);
  await dashboard.plays();
  const caught = await seqsWithoutGap(dashboard);
  expect(caught).toContain((paused ?? 0) + 1);

  await dashboard.page.getByRole("radio", { name: "0.5×", exact: true }).click();
  await dashboard.press("Choose rewind length");
  await dashboard.page.getByRole("button", { name: "5 s", exact: true }).click();
  await atEdge(dashboard, false);
  await expect.poll(() => secondsBehind(dashboard)).toBeGreaterThan(4);
  await dashboard.plays();
  const rewound = await seqsWithoutGap(dashboard);
  expect(rewound.at(-1)).toBeLessThan(caught.at(-1) ?? 0);
  const before = await secondsBehind(dashboard);
  await expect.poll(() => secondsBehind(dashboard), { timeout: 20_000 }).toBeGreaterThan(before);

  await liveButton(dashboard.page).click();
  await atEdge(dashboard, true);
  expect(await view()).toMatchObject({ behind_ms: 0, state: "PLAYING", speed: 1 });
  await dashboard.plays();
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  await dashboard.settledClock();
  const seqs = await seqsWithoutGap(dashboard);
  expect(seqs.at(-1)).toBe((await view()).controller_state.cursor_seq);
  expect(seqs).toEqual(expect.arrayContaining([...new Set([...caught, ...rewound])]));
  expect(dashboard.errors).toEqual([]);
});

test("[DB34] a venue that cannot be reached is shown as down with the reason, and the page offers alternatives", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await goLive(dashboard, "KRAKEN");
  await dashboard.page.getByRole("heading", { name: /^KRAKEN \S+ is down$/ }).waitFor();
  await dashboard.page
    .getByText(/reached|refused/i)
    .first()
    .waitFor();
  expect((await view()).feed?.status).toBe("down");
  await dashboard.press("Watch a simulated market");
  await dashboard.plays();
  await atEdge(dashboard, true);
  await dashboard.page.getByRole("radio", { name: "REPLAY", exact: true }).click();
  await dashboard.press("Start");
  await dashboard.plays();
  expect((await view()).tape).toMatch(/^usdm@/);
});

test("[DB100] [DB101] [DB103] at the live edge orders fill, rest, move and are cancelled, and the session stays at the edge", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id } = await dashboards.openOn(cluster, { mode: "LIVE", source: "BINANCE", symbol: "BTCUSDT" });
  const { page } = dashboard;
  await dashboard.plays();
  await atEdge(dashboard, true);
  const orders = new Orders(cluster, id);
  const { instrument } = await cluster.http.ask(tradingAnswer, "GET", `/sessions/${id}/trading`);
  const lots = (count: number) => (count * Number(instrument?.lot)).toFixed(instrument?.amount_decimals);
  await dashboard.press("Open the order ticket");
  await page.getByRole("tab", { name: "Orders" }).click();
  await page.getByRole("radio", { name: "Market", exact: true }).click();
  await page.getByLabel("Amount").fill(lots(20));
  await sent(dashboard, () => dashboard.press(/^Buy/));
  await page
    .getByRole("list", { name: /^Fills of orders/ })
    .getByText("Bought")
    .first()
    .waitFor();
  const bought = (await orders.fills())[0];
  expect(bought).toMatchObject({ side: "buy", liquidity: "taker" });

  // A stop far below the market rests, moves, and ends when its owner says so.
  const below = (share: number) => (Number(bought?.price) * share).toFixed(instrument?.price_decimals);
  const stop = async () => (await orders.all()).find(({ type }) => type === "STOP");
  await page.getByRole("radio", { name: "Stop", exact: true }).click();
  await page.getByLabel("Stop price", { exact: true }).fill(below(0.5));
  await sent(dashboard, () => dashboard.press(/^Sell/));
  await expect.poll(async () => (await stop())?.status, patience).toBe("NEW");
  const field = page.getByLabel(`Stop price of sell ${lots(20)}`);
  await field.fill(below(0.4));
  await sent(dashboard, () => field.press("Enter"));
  await expect.poll(async () => Number((await stop())?.stop_price), patience).toBe(Number(below(0.4)));
  await sent(dashboard, () => dashboard.press(/^Cancel sell/));
  await expect.poll(async () => (await stop())?.status, patience).toBe("CANCELED");

  // The rows of the ladder move with the market: whatever price is there then.
  await page.getByRole("radio", { name: "Limit", exact: true }).click();
  const rows = await LadderRows.of(dashboard);
  await sent(dashboard, () => rows.click("bid", 1, 0.2, { ctrl: true }));
  const last = (await orders.all()).at(-1);
  expect(last).toMatchObject({ side: "buy", type: "LIMIT", amount: lots(20) });
  await atEdge(dashboard, true);
  expect(dashboard.errors).toEqual([]);
});

test("[DB34] when the market disconnects, its last frames stay visible, and playback continues when it returns", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard } = await dashboards.openOn(cluster, { mode: "LIVE", source: "BINANCE", symbol: "BTCUSDT" });
  await dashboard.plays();
  const banner = dashboard.page.getByTestId("feed");
  await banner.waitFor({ state: "hidden" });
  await exchange.away();
  await banner.getByText("BINANCE BTCUSDT is down.").waitFor();
  expect(await banner.textContent()).toMatch(/reached|lost|refused/i);
  expect((await dashboard.visibleSeqs()).length).toBeGreaterThan(0);
  await exchange.open();
  await banner.waitFor({ state: "hidden", timeout: 60_000 });
  await dashboard.plays();
  // The tape marks the gap.
  const frames = JSON.parse(await dashboard.exported("Frames, JSON"));
  expect(frames.some((frame: object) => "gap_before_ms" in frame)).toBe(true);
});
