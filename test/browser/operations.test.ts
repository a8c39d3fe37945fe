import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB60] sessions are listed live, searched, filtered, and deleted after a second click", async ({
  cluster,
  dashboards,
}) => {
  const { session_id: id } = await cluster.http.create({ session_id: "ops-one", tape: "usdm" });
  const dashboard = await dashboards.open(`${cluster.url}/operations`);
  const table = dashboard.page.getByRole("table", { name: "Sessions" });
  await table.getByRole("link", { name: id }).waitFor();
  await cluster.http.create({ session_id: "ops-two", tape: "usdm" });
  await table.getByRole("link", { name: "ops-two" }).waitFor();
  await dashboard.page.getByLabel("Search sessions").fill("two");
  await table.getByRole("link", { name: id }).waitFor({ state: "hidden" });
  await dashboard.page.getByLabel("Search sessions").fill("");
  await cluster.http.control(id, "start");
  await dashboard.page.getByLabel("State").selectOption("PLAYING");
  await table.getByRole("link", { name: "ops-two" }).waitFor({ state: "hidden" });
  await table.getByRole("link", { name: id }).waitFor();
  await dashboard.page.getByLabel("Mode").selectOption("LIVE");
  await dashboard.page.getByText("No matching sessions.").waitFor();
  await dashboard.page.getByLabel("Mode").selectOption("REPLAY");
  await table.getByRole("row", { name: id }).getByText("PLAYING").waitFor();
  await cluster.http.control(id, "speed/5");
  await table.getByRole("row", { name: id }).getByText("5×").waitFor();
  await dashboard.press(`Delete ${id}`);
  await dashboard.press("Cancel");
  await dashboard.press(`Delete ${id}`);
  await dashboard.press("Delete");
  await table.getByRole("link", { name: id }).waitFor({ state: "hidden" });
  expect((await cluster.http.get(`/sessions/${id}`)).status).toBe(404);
  expect(dashboard.errors).toEqual([]);
});

test("[DB61] nodes, feeds and tapes are listed", async ({ cluster, dashboards }) => {
  const dashboard = await dashboards.open(`${cluster.url}/operations`);
  await dashboard.page.getByRole("tab", { name: "Nodes" }).click();
  const nodes = dashboard.page.getByRole("rowheader");
  await expect
    .poll(async () => (await nodes.allTextContents()).map((name) => name.replace(/-\d+-\w+$/, "")))
    .toEqual(expect.arrayContaining(["api", "gateway", "ticker"]));
  await dashboard.page.getByRole("tab", { name: "Tapes" }).click();
  await dashboard.page.getByRole("rowheader", { name: /^usdm@/ }).waitFor();
  await dashboard.page.getByRole("tab", { name: "Feeds" }).click();
  await dashboard.page.getByRole("columnheader", { name: "Market" }).waitFor();
  await dashboard.press("← Deck");
  await dashboard.plays();
  expect(new URL(dashboard.page.url()).pathname).toBe("/");
});

test("[DB62] on a phone each row is a card with the column names, and nothing scrolls sideways", async ({
  cluster,
  dashboards,
}) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  const dashboard = await dashboards.open(`${cluster.url}/operations`, { viewport: { width: 390, height: 844 } });
  const row = dashboard.page.getByRole("table", { name: "Sessions" }).getByRole("row", { name: id });
  await row.waitFor();
  for (const tab of ["Sessions", "Nodes", "Feeds", "Tapes", "Reports"]) {
    await dashboard.page.getByRole("tab", { name: tab }).click();
    await dashboard.page
      .getByRole("rowheader")
      .or(dashboard.page.getByText(/No sessions in LIVE|No orders in simulated markets/))
      .first()
      .waitFor();
    const table = dashboard.page.getByRole("tabpanel").getByRole("table");
    const hidden = await table.evaluate(({ parentElement: frame }) => frame && frame.scrollWidth - frame.clientWidth);
    expect(hidden, tab).toBe(0);
    expect(await dashboard.page.evaluate(() => document.documentElement.scrollWidth), tab).toBe(390);
  }
});
