import { expect } from "vitest";
import { testWith } from "./dashboard.js";

const test = testWith(() => ({ feeds: 1 }));

test("[DB95] a simulated market shows its whole book and its events, also after the user's order, and a live one up to its edge", async ({
  cluster,
  dashboards,
}) => {
  const modes = [
    { mode: "SIMULATION", seed: "11", scenario: "mixed" },
    { mode: "LIVE", source: "SIM", symbol: "BTCUSDT" },
  ];
  for (const mode of modes) {
    const { session_id: id } = await cluster.http.create({ ...mode, tape: undefined, max_fps: 60 });
    if (mode.mode === "SIMULATION") await cluster.http.control(id, "start");
    const dashboard = await dashboards.open(`${cluster.url}/?session=${id}`);
    await dashboard.plays();
    const { page } = dashboard;
    const refused: string[] = [];
    const answered: string[] = [];
    page.on("response", (response) => {
      if (!/\/(book|events)\b/.test(response.url())) return;
      (response.ok() ? answered : refused).push(new URL(response.url()).pathname);
    });
    await dashboard.press("Whole book");
    await page
      .getByRole("img", { name: /^Order book over time.* All levels of the book are known\./ })
      .waitFor({ timeout: 30_000 });
    if (mode.mode === "SIMULATION") {
      await page.getByRole("button", { name: /^Buy/ }).click();
      const changes = `/sessions/${id}/book/changes`;
      await expect
        .poll(() => answered.filter((path) => path === changes).length, { timeout: 30_000 })
        .toBeGreaterThan(1);
    }
    await dashboard.press("Pause");
    await dashboard.state("Paused");
    await page.getByRole("tab", { name: "Inspector" }).click();
    await page.getByRole("radio", { name: "Events" }).click();
    await page.getByRole("table", { name: "Events" }).getByRole("row").nth(1).waitFor();
    expect([mode.mode, refused, dashboard.errors]).toEqual([mode.mode, [], []]);
  }
});
