import { availableParallelism, loadavg } from "node:os";
import { expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { CommandLoad } from "../support/command-load.js";
import { describe as distribution } from "../support/distribution.js";
import { now } from "../support/viewer.js";
import { modes } from "../support/watched-sessions.js";
import { choiceOf, longestStall, UpgradeViewers } from "./upgrade-viewers.js";

/** TAPEDECK_TEST_CROWD=500 sets 500, which takes three minutes on two cores. */
const users = Number(process.env.TAPEDECK_TEST_CROWD ?? 36);
/** When a service is back, work is distributed again: what that costs is part of its restart. */
const settleMs = 1_000;

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 2,
  tickers: 2,
  feeds: 2,
  // An operator's defaults, except the pace of live markets, which two cores could not serve hundreds of times.
  env: { all: { SIMULATION_WARM_UP: "on" }, feed: { FRAME_MS: "250" } },
}));

const kinds = {
  ticker: ({ tickers }: TestCluster) => tickers,
  feed: ({ feeds }: TestCluster) => feeds,
  gateway: ({ gateways }: TestCluster) => gateways,
  api: ({ apis }: TestCluster) => apis,
};

test("[F20] [U13] in a rolling restart of all services under a crowd of watched sessions of all modes, no frame is lost or comes twice, and no request fails", {
  timeout: 240_000,
}, async ({ cluster }) => {
  const pids = () => Object.values(kinds).flatMap((services) => services(cluster).map(({ pid }) => pid));
  const before = pids();
  const viewers = await UpgradeViewers.start(cluster, users);
  const commands = await CommandLoad.start(
    cluster,
    Array.from({ length: 6 }, (_, index) => choiceOf(index)),
  );
  const spans: [what: string, spans: [from: number, to: number][]][] = [];

  const quiet = now();
  await viewers.untilAllPlayOn(quiet + 3_000);
  spans.push(["no restart", [[quiet, now()]]]);
  for (const [kind, services] of Object.entries(kinds)) {
    const restarts: [number, number][] = [];
    for (const service of services(cluster)) {
      const began = now();
      const gone = cluster.ended(service);
      cluster.signal(service, "SIGTERM");
      await gone;
      await cluster.untilAllReady();
      await viewers.untilAllPlayOn(now() + settleMs);
      restarts.push([began, now()]);
    }
    spans.push([`${kind}s restarted`, restarts]);
  }

  await commands.stop();
  const over = now();
  expect(pids().filter((pid) => before.includes(pid))).toEqual([]);
  const seen = await viewers.check(commands.sessions);
  const sessions = seen.slice(0, users);
  for (const [what, restarts] of spans) {
    const during = commands.requests.filter(({ at }) => restarts.some(([from, to]) => at >= from && at <= to));
    cluster.note(`rolling, ${what}: commands ${distribution(during.map(({ ms }) => ms))} ms of ${during.length}`);
    for (const mode of modes) {
      const ofMode = sessions.filter((session) => session.mode === mode);
      const gaps = restarts.flatMap((span) => ofMode.map((session) => longestStall(session, span)));
      cluster.note(`rolling, ${what}: ${mode} hiccups ${distribution(gaps)} ms of ${gaps.length}`);
    }
  }
  const failedConnects = sessions.reduce((sum, { viewer }) => sum + viewer.closes.length + 1 - viewer.connections, 0);
  const [load] = loadavg();
  cluster.note(
    `rolling: ${before.length} services in ${Math.round(over - quiet)} ms, ${failedConnects} failed connects, load ${load?.toFixed(1)} on ${availableParallelism()} cores`,
  );
  expect(commands.failures).toEqual([]);
});
