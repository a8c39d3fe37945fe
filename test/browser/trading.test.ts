import { readFile } from "node:fs/promises";
import { accountAnswer, type Frame, fillsAnswer, ordersAnswer } from "@tapedeck/protocol";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { type DashboardPage, type Dashboards, test } from "./dashboard.js";

/** Drawing may be slow on a busy machine. */
const patience = { timeout: 20_000 };
/** Eight seconds before the recording's price falls by seven. */
const beforeTheFall = "2024-07-18T23:58:05.000Z";

/** What the cluster says of a session's orders. */
class Orders {
  readonly #cluster: TestCluster;
  readonly #path: string;

  constructor(cluster: TestCluster, id: string) {
    this.#cluster = cluster;
    this.#path = `/sessions/${id}`;
  }

  async all() {
    return (await this.#cluster.http.ask(ordersAnswer, "GET", `${this.#path}/orders`)).orders;
  }

  async fills() {
    return (await this.#cluster.http.ask(fillsAnswer, "GET", `${this.#path}/fills`)).fills;
  }

  async account() {
    return (await this.#cluster.http.ask(accountAnswer, "GET", `${this.#path}/account`)).account;
  }
}

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** The ladder's rows on the screen, of a paused session whose ladder is not scrolled. */
class LadderRows {
  readonly #dashboard: DashboardPage;
  readonly #box: Box;

  static async of(dashboard: DashboardPage): Promise<LadderRows> {
    const box = await dashboard.page.getByRole("img", { name: /^Order book of / }).boundingBox();
    if (!box) throw new Error("the ladder is not visible");
    return new LadderRows(dashboard, box);
  }

  private constructor(dashboard: DashboardPage, box: Box) {
    this.#dashboard = dashboard;
    this.#box = box;
  }

  /** The middle of a row, `across` from the left (0) to the right edge (1). */
  at(side: "bid" | "ask", nth: number, across: number): { readonly x: number; readonly y: number } {
    const middle = this.#box.y + Math.floor(this.#box.height / 2);
    const away = 15 + nth * 18 + 9;
    return { x: this.#box.x + this.#box.width * across, y: side === "bid" ? middle + away : middle - away };
  }

  async click(side: "bid" | "ask", nth: number, across: number, { ctrl = false } = {}): Promise<void> {
    const { x, y } = this.at(side, nth, across);
    const { keyboard, mouse } = this.#dashboard.page;
    if (ctrl) await keyboard.down("Control");
    await mouse.click(x, y);
    if (ctrl) await keyboard.up("Control");
  }

  async drag(from: { readonly x: number; readonly y: number }, to: { readonly x: number; readonly y: number }) {
    const { mouse } = this.#dashboard.page;
    await mouse.move(from.x, from.y);
    await mouse.down();
    await mouse.move(from.x, (from.y + to.y) / 2, { steps: 3 });
    await mouse.move(to.x, to.y, { steps: 3 });
    await mouse.up();
  }
}

/** Waits until the cluster has taken what an act of the user sends: only then the market may go on. */
async function sent(dashboard: DashboardPage, act: () => Promise<unknown>): Promise<void> {
  const answered = dashboard.page.waitForResponse(
    (response) => response.request().method() !== "GET" && response.url().includes("/orders"),
  );
  await act();
  const response = await answered;
  expect(response.status(), `${response.request().postData()}: ${await response.text()}`).toBe(200);
}

/** A price with the recording's decimals. */
const text = (price: number | undefined) => price?.toFixed(1) ?? "none";

/** A page on a session that stands before the fall, with the ticket and the list of orders open. */
async function atTheTicket(dashboards: Dashboards, cluster: TestCluster, height = 800) {
  const { dashboard, id, view } = await dashboards.openOn(cluster, {}, { viewport: { width: 1280, height } });
  const { page } = dashboard;
  await cluster.http.control(id, "seek", { ts: beforeTheFall });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.press("Open the order ticket");
  await page.getByRole("tab", { name: "Orders" }).click();
  return { dashboard, page, orders: new Orders(cluster, id), id };
}

async function newest(dashboard: DashboardPage): Promise<Frame> {
  await dashboard.settledClock();
  const frame = (await dashboard.visibleFrames()).at(-1);
  if (!frame) throw new Error("the page shows no frame");
  return frame;
}

test("[DB100] [DB101] [DB102] [DB103] [DB106] an order that is placed on the ladder works, is dragged, fills as the tape plays, and its fill is in the CSV", async ({
  cluster,
  dashboards,
}) => {
  // High enough for eight levels of each side above the ticket.
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster, 900);
  const { bids, asks } = await newest(dashboard);
  const rows = await LadderRows.of(dashboard);

  // A plain click only fills the price in.
  await rows.click("bid", 2, 0.2);
  await expect
    .poll(() => page.getByRole("textbox", { name: "Price", exact: true }).inputValue(), patience)
    .toBe(text(bids[2]?.[0]));
  expect(await orders.all()).toEqual([]);

  await page.getByLabel("Amount").fill("0.05");
  await rows.click("bid", 2, 0.2, { ctrl: true });
  const working = page.getByRole("list", { name: "Working orders, newest first" });
  await working.getByRole("listitem").filter({ hasText: "Buy" }).waitFor();
  expect(await orders.all()).toMatchObject([
    { side: "buy", type: "LIMIT", amount: "0.050", price: text(bids[2]?.[0]), status: "PENDING" },
  ]);

  // In click trading a plain click is enough. Right of the prices is the side of sells.
  await dashboard.press("Click trading");
  await rows.click("ask", 6, 0.8);
  await expect.poll(async () => (await orders.all()).length, patience).toBe(2);
  await dashboard.press("Click trading");
  await expect.poll(() => working.getByRole("listitem").count(), patience).toBe(2);

  // Orders are on their way while the market stands; it has to go on a little.
  await cluster.http.control(id, "step", { frames: 2 });
  await expect.poll(async () => (await orders.all()).map(({ status }) => status), patience).toEqual(["NEW", "NEW"]);
  await expect.poll(() => page.getByText("on its way").count(), patience).toBe(0);

  // The chip of a sell order is left of the prices, on the row of its price.
  const stepped = await newest(dashboard);
  const rowOf = (price: string | null | undefined) => stepped.asks.findIndex(([at]) => text(at) === price);
  const sold = async () => (await orders.all()).find(({ side }) => side === "sell");
  const before = (await sold())?.price;
  expect(before).toBe(text(asks[6]?.[0]));
  const from = rows.at("ask", rowOf(before), 0.5);
  const to = rows.at("ask", rowOf(before) + 1, 0.5);
  await sent(dashboard, () => rows.drag({ ...from, x: from.x - 62 }, { ...to, x: to.x - 62 }));
  const after = text(stepped.asks[rowOf(before) + 1]?.[0]);
  await working.getByText(`moving to ${after}`).waitFor();
  await cluster.http.control(id, "step", { frames: 1 });
  await expect.poll(async () => (await sold())?.price, patience).toBe(after);

  await sent(dashboard, () => dashboard.press(/^Cancel sell/));
  await working.getByText("cancelling").waitFor();
  await cluster.http.control(id, "step", { frames: 1 });
  await expect.poll(async () => (await sold())?.status, patience).toBe("CANCELED");
  await expect.poll(() => working.getByRole("listitem").count(), patience).toBe(1);

  await dashboard.press("Resume");
  const fills = page.getByRole("list", { name: "Fills of orders, newest first" });
  await fills.getByText("Bought").first().waitFor({ timeout: 40_000 });
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  const filled = await orders.fills();
  expect(filled[0]).toMatchObject({ side: "buy", price: text(bids[2]?.[0]), liquidity: "maker" });
  const account = await orders.account();
  if (account?.kind !== "spot") throw new Error("the account is not the default one");
  await expect.poll(() => page.getByTestId("account").textContent(), patience).toContain(account.base);

  await dashboard.press("Report");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("dialog").getByRole("button", { name: "Save fills as CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`tapedeck-fills-${id}.csv`);
  const [head, ...lines] = (await readFile(await download.path(), "utf8")).split("\r\n");
  expect(head).toMatch(/^timestamp,fill_id,order_id,/);
  expect(lines.map((line) => line.split(",").slice(0, 8))).toEqual(
    filled.map((fill) => [
      ...[fill.timestamp, fill.fill_id, fill.order_id, fill.client_order_id ?? ""],
      ...[fill.side, fill.price, fill.amount, fill.fee],
    ]),
  );
  expect(dashboard.errors).toEqual([]);
});

test("[DB105] a rewind undoes orders and fills, says so, and keeps them as a branch with its profit", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster);
  await page.getByRole("radio", { name: "Market", exact: true }).click();
  await page.getByLabel("Amount").fill("0.01");
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await orders.all()).length, patience).toBe(1);
  await cluster.http.control(id, "step", { frames: 20 });
  await page.getByRole("list", { name: "Fills of orders, newest first" }).getByText("Bought").first().waitFor();
  const held = await orders.account();

  await dashboard.press("Undo last order");
  await expect.poll(() => dashboard.toasts(), patience).toContain("The rewind undid 1 order and 1 fill.");
  await expect.poll(() => page.getByRole("list", { name: /^Fills of orders/ }).count(), patience).toBe(0);
  expect([await orders.all(), await orders.fills()]).toEqual([[], []]);
  expect(await orders.account()).not.toEqual(held);

  await dashboard.press("Report and branches");
  const dialog = page.getByRole("dialog", { name: "Trade report" });
  const [present, left] = await dialog.getByRole("region", { name: "Branches" }).locator("tbody tr").all();
  const cells = async (row: typeof left) => (await row?.getByRole("cell").allTextContents()) ?? [];
  expect((await cells(present)).slice(2, 5)).toEqual(["0", "0", "0.00"]);
  await expect.poll(async () => (await cells(left)).slice(2, 4), patience).toEqual(["1", "1"]);
  expect((await cells(left))[4]).toMatch(/^[+−]\d/);
  await left?.getByRole("button", { name: "Show" }).click();
  await dialog.getByRole("region", { name: "Fills, newest first" }).getByText("Bought").waitFor();
  expect(dashboard.errors).toEqual([]);
});

test("[DB103] the label of an order in the heatmap is dragged to another price, and a typed price moves it, too", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster);
  const { bids } = await newest(dashboard);
  await page.getByLabel("Amount").fill("0.05");
  await page.getByRole("textbox", { name: "Price", exact: true }).fill(text(bids[4]?.[0]));
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await orders.all()).length, patience).toBe(1);
  // The page has the order, and has drawn it.
  await page.getByRole("list", { name: "Working orders, newest first" }).getByRole("listitem").waitFor();
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(undefined)))),
  );

  const heatmap = page.getByRole("img", { name: /^Order book over time/ });
  const span = /Prices from (\d+\.\d+) to (\d+\.\d+)/.exec((await heatmap.getAttribute("aria-label")) ?? "");
  const [low, high] = [Number(span?.[1]), Number(span?.[2])];
  const box = await heatmap.boundingBox();
  if (!box) throw new Error("the heatmap is not visible");
  const yOf = (price: number) => box.y + ((high - price) / (high - low)) * (box.height - 20);
  const x = box.x + box.width - 68 - 4 - 33;
  const from = yOf(bids[4]?.[0] ?? 0);
  await sent(dashboard, async () => {
    await page.mouse.move(x, from);
    await page.mouse.down();
    await page.mouse.move(x, from + 15, { steps: 3 });
    await page.mouse.move(x, from + 30, { steps: 3 });
    await page.mouse.up();
  });
  await cluster.http.control(id, "step", { frames: 1 });
  const price = async () => Number((await orders.all())[0]?.price);
  const expected = (bids[4]?.[0] ?? 0) - (30 / (box.height - 20)) * (high - low);
  // To a pixel and a tick: the shown span is rounded.
  const pixel = (high - low) / (box.height - 20);
  await expect.poll(async () => Math.abs((await price()) - expected), patience).toBeLessThan(2 * pixel + 0.1);

  const typed = text((bids[4]?.[0] ?? 0) - 1);
  const field = page.getByLabel("Price of buy 0.050");
  await field.fill(typed);
  await sent(dashboard, () => field.press("Enter"));
  await cluster.http.control(id, "step", { frames: 1 });
  await expect.poll(price, patience).toBe(Number(typed));
  expect(dashboard.errors).toEqual([]);
});

test("[DB104] [DB109] the form makes a futures account with its own fees and latency, which the first order fixes", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster);
  await dashboard.press("Trading settings: Spot · fees 0.02 / 0.05 % · latency 0 / 0 ms");
  const form = page.getByRole("form", { name: "Trading settings" });
  await form.getByRole("radio", { name: "Futures" }).click();
  await form.getByLabel("Wallet").fill("1,000");
  await form.getByLabel("Leverage").fill("500");
  await form.getByLabel("Taker").fill("0.1");
  await form.getByLabel("To the venue").fill("5");
  await form.getByRole("button", { name: "Save" }).click();
  await form.getByText("Leverage must be a number from 1 to 125.").waitFor();
  await form.getByLabel("Leverage").fill("10");
  await form.getByRole("button", { name: "Save" }).click();
  await form.waitFor({ state: "detached" });
  const summary = "Trading settings: Futures 10× · fees 0.02 / 0.1 % · latency 5 / 0 ms";
  await page.getByRole("button", { name: summary }).waitFor();
  expect(await orders.account()).toMatchObject({ kind: "futures", wallet: "1000", leverage: 10 });

  await page.getByRole("radio", { name: "Market", exact: true }).click();
  await page.getByLabel("Amount").fill("0.05");
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await orders.all()).length, patience).toBe(1);
  await cluster.http.control(id, "step", { frames: 20 });
  const account = page.getByTestId("account");
  await expect
    .poll(() => account.textContent(), patience)
    .toMatch(/Position\+0\.05\d*Entry[\d,.]+.*Liquidation[\d,.]+/);
  const [fill] = await orders.fills();
  expect(Number(fill?.fee)).toBeCloseTo(Number(fill?.price) * Number(fill?.amount) * 0.001, 6);

  await dashboard.press(summary);
  await form.getByText("After a rewind to before the first one").waitFor();
  expect(await form.getByLabel("Wallet").isDisabled()).toBe(true);
  expect(dashboard.errors).toEqual([]);
});

test("[DB107] in a simulated market, orders are given to it or to the venue, each kind with an account of its own", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster, { mode: "SIMULATION", seed: "ticket" });
  const { page } = dashboard;
  const orders = new Orders(cluster, id);
  await dashboard.plays();
  await page.getByRole("radio", { name: "All orders" }).click();
  await page.getByRole("radio", { name: "Market", exact: true }).click();
  await page.getByLabel("Amount").fill("0.5");
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await orders.fills()).length, patience).toBeGreaterThan(0);
  expect((await view()).account?.position ?? 0).toBe(0);
  await page.getByRole("radio", { name: "Quick" }).click();
  await page.getByLabel("Quantity").fill("0.25");
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await view()).account?.position, patience).toBe(0.25);
  expect(dashboard.errors).toEqual([]);
});
