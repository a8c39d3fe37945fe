import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "@tapedeck/cli";
import { inject } from "vitest";
import { testWith } from "./dashboard.js";

const test = testWith(() => ({ env: { all: { SESSION_TTL_S: "8" } } }));

test("[DB15] a deleted session ends with a message that offers a new one", async ({ cluster, dashboards }) => {
  const { dashboard, id } = await dashboards.openOn(cluster);
  await cluster.http.delete(id);
  await dashboard.page.getByRole("heading", { name: "This session was deleted" }).waitFor();
  await dashboard.press("New session");
  await dashboard.plays();
});

test("[DB15] an expired session ends with a message that offers a new one", async ({ cluster, dashboards }) => {
  const { dashboard, id } = await dashboards.openOn(cluster);
  // As Redis does when the TTL ends. A node notices when it renews the TTL.
  await cluster.redis.del(cluster.keys.session(id));
  await dashboard.page.getByRole("heading", { name: "Your session has expired" }).waitFor({ timeout: 30_000 });
  await dashboard.press("New session");
  await dashboard.plays();
});

test("[DB15] the page says that it is opening a session", async ({ cluster, dashboards }) => {
  const dashboard = await dashboards.open("about:blank");
  let proceed = () => {};
  const held = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  await dashboard.page.route("**/sessions/create", async (route) => {
    await held;
    await route.continue();
  });
  await dashboard.page.goto(cluster.url);
  await dashboard.page.getByText("Opening your session…").waitFor();
  proceed();
  await dashboard.plays();
});

test("[DB15] a missing shared session and an unreachable cluster have messages that offer a next step", async ({
  cluster,
  dashboards,
}) => {
  const gone = await dashboards.open(`${cluster.url}/?session=never-was`);
  await gone.page.getByRole("heading", { name: "Session not found" }).waitFor();
  await gone.press("Open my session");
  await gone.plays();
  const nowhere = await dashboards.open(`${cluster.url}/?api=http://127.0.0.1:9`);
  await nowhere.press(/^Trust /);
  await nowhere.page.getByRole("heading", { name: "Cannot reach the cluster" }).waitFor();
  await nowhere.page.getByRole("button", { name: "Try again" }).waitFor();
});

test("[DB15] a cluster without tapes shows how to import one, and offers a simulated market", async ({
  dashboards,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-empty-"));
  const empty = await startCluster({
    port: 0,
    redisUrl: inject("redisUrl"),
    prefix: `test-${folder.slice(-6)}`,
    store: join(folder, "tapes"),
    folder,
    gateways: 1,
    apis: 1,
    tickers: 1,
    env: { all: { SIMULATION_WARM_UP: "off" }, api: { MAX_SESSIONS: "1" }, gateway: { MAX_SESSIONS: "1" } },
  });
  try {
    const dashboard = await dashboards.open(empty.url);
    await dashboard.page.getByRole("heading", { name: "No tapes yet" }).waitFor();
    await dashboard.press("Play a simulated market");
    await dashboard.plays();
    // At the limit of sessions the page shows the reason.
    const other = await dashboards.open(empty.url);
    await other.page.getByRole("heading", { name: "Cannot open the session" }).waitFor();
    await other.page
      .getByText(/sessions/)
      .first()
      .waitFor();
    await other.page.getByRole("button", { name: "Try again" }).waitFor();
  } finally {
    await empty.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
