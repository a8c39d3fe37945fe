import { readFile } from "node:fs/promises";
import { orderAnswer, tradingAnswer } from "@tapedeck/protocol";
import { expect } from "vitest";
import { test } from "./dashboard.js";
import {
  atTheTicket,
  axisHeight,
  drag,
  LadderRows,
  newest,
  Orders,
  patience,
  pricesOf,
  sent,
  text,
} from "./trading-page.js";

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

test("[DB100] [DB105] a rewind undoes orders and fills, says so, and keeps them as a branch with its profit", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster);
  await page.getByRole("radio", { name: "Market", exact: true }).click();
  await page.getByLabel("Size of the order by").selectOption("Cost");
  await page.getByLabel("Cost", { exact: true }).fill("650");
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await orders.all()).length, patience).toBe(1);
  expect(await orders.all()).toMatchObject([{ type: "MARKET", quote_amount: "650" }]);
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

test("[DB110] [DB102] a take profit and a stop are placed together, and one ends the other; a limit order has its exits", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster, 900);
  const { best_bid: bid } = await newest(dashboard);
  const at = (by: number) => text((bid ?? 0) + by);
  const fill = (name: string, value: string) => page.getByRole("textbox", { name, exact: true }).fill(value);
  const step = () => cluster.http.control(id, "step", { frames: 2 });
  const working = page.getByRole("list", { name: "Working orders, newest first" });

  await page.getByRole("radio", { name: "OCO", exact: true }).click();
  await fill("Amount", "0.05");
  await fill("Take profit", at(-50));
  await fill("Stop price", at(50));
  await dashboard.press(/^Sell/);
  await expect
    .poll(() => dashboard.toasts(), patience)
    .toContain("To sell, the take profit must be above the stop price.");
  expect(await orders.all()).toEqual([]);
  await fill("Take profit", at(50));
  await fill("Stop price", at(-50));
  await sent(dashboard, () => dashboard.press(/^Sell/));
  await step();
  const pair = { contingency: "OCO", waits: false };
  expect(await orders.all()).toMatchObject([
    { side: "sell", type: "LIMIT", price: at(50), status: "NEW", list: pair },
    { side: "sell", type: "STOP", stop_price: at(-50), status: "NEW", list: pair },
  ]);
  await working.getByText("stop, OCO").waitFor();
  await working.getByText("limit, OCO").waitFor();
  await sent(dashboard, () =>
    page
      .getByRole("button", { name: /^Cancel sell/ })
      .first()
      .click(),
  );
  await step();
  await expect
    .poll(async () => (await orders.all()).map(({ status }) => status), patience)
    .toEqual(["CANCELED", "CANCELED"]);
  await expect.poll(() => working.count(), patience).toBe(0);

  // The entry is far below the market, so its exits wait.
  await page.getByRole("radio", { name: "Limit", exact: true }).click();
  await page.getByLabel("Take profit / stop").check();
  await fill("Price", at(-100));
  await fill("Stop price", at(-150));
  await sent(dashboard, () => dashboard.press(/^Buy/));
  await step();
  const list = { contingency: "OTOCO", waits: true };
  expect((await orders.all()).slice(2)).toMatchObject([
    { side: "buy", type: "LIMIT", price: at(-100), status: "NEW", list: { ...list, waits: false } },
    { side: "sell", type: "LIMIT", price: at(50), status: "NEW", list },
    { side: "sell", type: "STOP", stop_price: at(-150), status: "NEW", list },
  ]);
  await expect.poll(() => working.getByText("after its entry").count(), patience).toBe(2);
  await working.getByText("limit, entry").waitFor();
  expect(dashboard.errors).toEqual([]);
});

test("[DB110] an order is good for some time of the tape, and on a futures account it may only reduce the position", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id, view } = await atTheTicket(dashboards, cluster, 900);
  expect(await page.getByLabel("Reduce only").count()).toBe(0);
  const account = { kind: "futures", wallet: "100000", leverage: 5 };
  await cluster.http.call("PATCH", `/sessions/${id}/trading`, { account });
  await page.reload();
  const { best_ask: ask } = await newest(dashboard);
  await page.getByLabel("Reduce only").check();
  await page.getByRole("radio", { name: "Market", exact: true }).click();
  await sent(dashboard, () => dashboard.press(/^Buy/));
  await cluster.http.control(id, "step", { frames: 2 });
  await expect
    .poll(() => dashboard.toasts(), patience)
    .toContain("The order was rejected: there is no position that it would make smaller.");
  await page.getByLabel("Reduce only").uncheck();
  await sent(dashboard, () => dashboard.press(/^Buy/));
  await cluster.http.control(id, "step", { frames: 2 });
  await page.getByRole("radio", { name: "Limit", exact: true }).click();
  await page.getByLabel("Reduce only").check();
  await page.getByRole("textbox", { name: "Price", exact: true }).fill(text((ask ?? 0) + 100));
  await page.getByLabel("Time in force").selectOption("For a time");
  await page.getByLabel("Good for", { exact: true }).fill("2s");
  await expect.poll(async () => (await orders.account())?.kind, patience).toBe("futures");
  const { cursor_ts: now } = await view();
  await dashboard.showsCursor(now);
  await sent(dashboard, () => dashboard.press(/^Sell/));
  await cluster.http.control(id, "step", { frames: 2 });
  const last = async () => (await orders.all()).at(-1);
  expect(await last()).toMatchObject({ side: "sell", reduce_only: true, status: "NEW" });
  const expires = Date.parse((await last())?.expires_at ?? "");
  expect(expires - Date.parse(now ?? "")).toBe(2_000);
  await page.getByText(/^limit, reduces, until \d\d:\d\d:\d\d$/).waitFor();
  await cluster.http.control(id, "step", { ms: 3_000 });
  await expect.poll(async () => (await last())?.status, patience).toBe("EXPIRED");
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
  const { low, high, box } = await pricesOf(heatmap);
  const yOf = (price: number) => box.y + ((high - price) / (high - low)) * (box.height - 20);
  const x = box.x + box.width - 68 - 4 - 33;
  const from = yOf(bids[4]?.[0] ?? 0);
  await sent(dashboard, () => drag(page, { x, y: from }, { x, y: from + 30 }));
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

  // The order moves after the user has selected the price: the selection stays.
  await page.getByRole("img", { name: `: Buy 0.050 at ${Number(typed)}.` }).waitFor();
  await field.selectText();
  const [{ order_id } = { order_id: "none" }] = await orders.all();
  const elsewhere = text(Number(typed) - 1);
  await cluster.http.ask(orderAnswer, "POST", `/sessions/${id}/orders/${order_id}/replace`, { price: elsewhere });
  await cluster.http.control(id, "step", { frames: 1 });
  await page.getByRole("img", { name: `: Buy 0.050 at ${Number(elsewhere)}.` }).waitFor();
  const again = text(Number(typed) + 0.5);
  await page.keyboard.type(again);
  await sent(dashboard, () => page.keyboard.press("Enter"));
  await cluster.http.control(id, "step", { frames: 1 });
  await expect.poll(price, patience).toBe(Number(again));
  expect(dashboard.errors).toEqual([]);
});

test("[DB101] [DB103] a stop order moves to another stop price by its label in the price chart, by its chip in the ladder, and by typing", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster, 900);
  const step = () => cluster.http.control(id, "step", { frames: 1 });
  const stopPrice = async () => Number((await orders.all())[0]?.stop_price);
  await newest(dashboard);
  const chart = page.getByRole("img", { name: /^Mid price/ });
  await page.getByRole("radio", { name: "Stop", exact: true }).click();
  await page.getByLabel("Amount").fill("0.05");
  const { low, high } = await pricesOf(chart);
  const { best_bid } = await newest(dashboard);
  const placed = text(Math.min(low + 0.4 * (high - low), (best_bid ?? 0) - 0.2));
  await page.getByLabel("Stop price", { exact: true }).fill(placed);
  await sent(dashboard, () => dashboard.press(/^Sell/));
  await step();
  await expect.poll(async () => (await orders.all())[0]?.status, patience).toBe("NEW");

  // The chart says where the order is once it has drawn it.
  const drawn = page.getByRole("img", { name: `Your orders: Sell stop 0.050 at ${Number(placed)}.` }).nth(0);
  await drawn.waitFor();
  const { low: least, high: most, box } = await pricesOf(chart);
  const plotHeight = box.height - axisHeight;
  const from = box.y + ((most - Number(placed)) / (most - least)) * plotHeight;
  const pixel = (most - least) / plotHeight;
  const x = box.x + box.width - 110;
  await sent(dashboard, () => drag(page, { x, y: from }, { x, y: from + 20 }));
  const list = page.getByRole("list", { name: "Working orders, newest first" });
  await list.getByText(/^moving to/).waitFor();
  await step();
  await expect
    .poll(async () => Math.abs((await stopPrice()) - (Number(placed) - 20 * pixel)), patience)
    .toBeLessThan(3 * pixel + 0.1);
  // Elsewhere on its line, the chart is dragged and not the order.
  const moved = await stopPrice();
  await drag(page, { x: box.x + 100, y: from + 20 }, { x: box.x + 100, y: from });

  const { bids } = await newest(dashboard);
  const field = page.getByLabel("Stop price of sell 0.050");
  await field.fill(text(bids[2]?.[0]));
  await sent(dashboard, () => field.press("Enter"));
  expect(await stopPrice()).toBe(moved);
  await step();
  await expect.poll(stopPrice, patience).toBe(bids[2]?.[0]);

  const stepped = await newest(dashboard);
  const rowOf = (price: number) => stepped.bids.findIndex(([at]) => at === price);
  const row = rowOf(await stopPrice());
  const rows = await LadderRows.of(dashboard);
  const [chip, target] = [rows.at("bid", row, 0.5), rows.at("bid", row + 1, 0.5)];
  await sent(dashboard, () => rows.drag({ ...chip, x: chip.x + 62 }, { ...target, x: target.x + 62 }));
  await step();
  await expect.poll(stopPrice, patience).toBe(stepped.bids[row + 1]?.[0]);
  expect(dashboard.errors).toEqual([]);
});

test("[DB100] [DB104] [DB109] the form makes a futures account with its own fees and latency, which the first order fixes, and the ticket closes its position", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, page, orders, id } = await atTheTicket(dashboards, cluster);
  await dashboard.press("Trading settings: Spot · fees 0.02/0.05 % · latency 0/0 ms");
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
  const summary = "Trading settings: Futures 10× · fees 0.02/0.1 % · latency 5/0 ms";
  await page.getByRole("button", { name: summary }).waitFor();
  expect(await orders.account()).toMatchObject({ kind: "futures", wallet: "1000", leverage: 10 });
  const set = await cluster.http.ask(tradingAnswer, "GET", `/sessions/${id}/trading`);
  expect(set).toMatchObject({ queue_auto: true, settings: { fees: { maker: "0.0002", taker: "0.001" } } });

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
  await form.getByRole("button", { name: "Close" }).click();

  // A take profit for all of the position, which the market has passed already, and one that it has not.
  await page.getByRole("radio", { name: "Take profit" }).click();
  await page.getByLabel("Size of the order by").selectOption("Whole position");
  expect(await page.getByLabel("Limit, optional").count()).toBe(0);
  const price = Number(fill?.price);
  for (const distance of [-50, 500]) {
    await page.getByLabel("Stop price", { exact: true }).fill((price + distance).toFixed(1));
    await sent(dashboard, () => dashboard.press(/^Sell/));
  }
  await cluster.http.control(id, "step", { frames: 5 });
  await expect
    .poll(() => dashboard.toasts(), patience)
    .toContain("The order was rejected: the market has reached its stop price already.");
  const [, , waiting] = await orders.all();
  expect(waiting).toMatchObject({ type: "TAKE_PROFIT", close_position: true, status: "NEW" });
  await page.getByLabel("Stop price of sell position").waitFor();
  await sent(dashboard, () => dashboard.press(/^Close position: sell 0.05/));
  await cluster.http.control(id, "step", { frames: 20 });
  await expect.poll(() => orders.account(), patience).toMatchObject({ position: "0.000" });
  await expect.poll(() => page.getByRole("button", { name: /^Close position/ }).count(), patience).toBe(0);
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
