import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB60] sessions are listed live, searched, filtered, and deleted after a second click", async ({
  cluster,
  decks,
}) => {
  const { session_id: id } = await cluster.http.create({ session_id: "ops-one", tape: "usdm" });
  const deck = await decks.open(`${cluster.url}/operations`);
  const table = deck.page.getByRole("table", { name: "Sessions" });
  await table.getByRole("link", { name: id }).waitFor();
  await cluster.http.create({ session_id: "ops-two", tape: "usdm" });
  await table.getByRole("link", { name: "ops-two" }).waitFor();
  await deck.page.getByLabel("Search sessions").fill("two");
  await table.getByRole("link", { name: id }).waitFor({ state: "hidden" });
  await deck.page.getByLabel("Search sessions").fill("");
  await cluster.http.control(id, "start");
  await deck.page.getByLabel("State").selectOption("PLAYING");
  await table.getByRole("link", { name: "ops-two" }).waitFor({ state: "hidden" });
  await table.getByRole("link", { name: id }).waitFor();
  await deck.page.getByLabel("Mode").selectOption("LIVE");
  await deck.page.getByText("No such session.").waitFor();
  await deck.page.getByLabel("Mode").selectOption("REPLAY");
  await table.getByRole("row", { name: id }).getByText("PLAYING").waitFor();
  await cluster.http.control(id, "speed/5");
  await table.getByRole("row", { name: id }).getByText("5×").waitFor();
  await deck.press(`Delete ${id}`);
  await deck.press("Keep");
  await deck.press(`Delete ${id}`);
  await deck.press("Delete");
  await table.getByRole("link", { name: id }).waitFor({ state: "hidden" });
  expect((await cluster.http.get(`/sessions/${id}`)).status).toBe(404);
  expect(deck.troubles).toEqual([]);
});

test("[DB61] nodes, feeds and tapes are listed", async ({ cluster, decks }) => {
  const deck = await decks.open(`${cluster.url}/operations`);
  await deck.page.getByRole("tab", { name: "Nodes" }).click();
  const nodes = deck.page.getByRole("rowheader");
  await expect
    .poll(async () => (await nodes.allTextContents()).map((name) => name.replace(/-\d+-\w+$/, "")))
    .toEqual(expect.arrayContaining(["api", "gateway", "ticker"]));
  await deck.page.getByRole("tab", { name: "Tapes" }).click();
  await deck.page.getByRole("rowheader", { name: /^usdm@/ }).waitFor();
  await deck.page.getByRole("tab", { name: "Feeds" }).click();
  await deck.page.getByRole("columnheader", { name: "Market" }).waitFor();
  await deck.press("← Deck");
  await deck.plays();
  expect(new URL(deck.page.url()).pathname).toBe("/");
});

test("[DB62] on a phone each row is a card with its columns' names, and nothing has to be scrolled sideways", async ({
  cluster,
  decks,
}) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  const deck = await decks.open(`${cluster.url}/operations`, { viewport: { width: 390, height: 844 } });
  const row = deck.page.getByRole("table", { name: "Sessions" }).getByRole("row", { name: id });
  await row.waitFor();
  for (const tab of ["Sessions", "Nodes", "Feeds", "Tapes", "Reports"]) {
    await deck.page.getByRole("tab", { name: tab }).click();
    await deck.page
      .getByRole("rowheader")
      .or(deck.page.getByText(/No session is in LIVE|Nobody has given an order/))
      .first()
      .waitFor();
    const table = deck.page.getByRole("tabpanel").getByRole("table");
    const hidden = await table.evaluate(({ parentElement: frame }) => frame && frame.scrollWidth - frame.clientWidth);
    expect(hidden, tab).toBe(0);
    expect(await deck.page.evaluate(() => document.documentElement.scrollWidth), tab).toBe(390);
  }
});
