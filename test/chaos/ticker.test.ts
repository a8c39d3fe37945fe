import { describe, expect } from "vitest";
import { type TestCluster, test } from "../support/cluster.js";
import "../support/expect.js";
import { now } from "../support/viewer.js";
import { PlayingSessions } from "./playing-sessions.js";

/** The ticker that renders most of the sessions. */
async function busiest(cluster: TestCluster, sessions: PlayingSessions) {
  const counts = await sessions.byTicker();
  const load = (name: string) => [...counts].reduce((sum, [node, n]) => sum + (node.startsWith(`${name}-`) ? n : 0), 0);
  const [first] = [...cluster.tickers].sort((a, b) => load(b.name) - load(a.name));
  if (!first) throw new Error("no ticker");
  cluster.note(`  ${first.name} renders ${load(first.name)} of ${sessions.all.length}`);
  return first;
}

describe("faults of a ticker under 24 watched sessions", () => {
  test("[F1] a ticker is killed: the other takes over, and no viewer misses a frame", async ({ cluster }) => {
    const sessions = await PlayingSessions.start(cluster);
    await sessions.untilAllPlayOn(now(), 1500);
    const victim = await busiest(cluster, sessions);
    const fault = now();
    cluster.signal(victim, "SIGKILL");
    await sessions.untilAllPlayOn(fault, 6000);
    await sessions.check("SIGKILL ticker", fault);
    await sessions.leave();
    await cluster.untilAllReady();
  });

  test("[F2] a ticker shuts down: its sessions go on elsewhere, and no viewer misses a frame", async ({ cluster }) => {
    const sessions = await PlayingSessions.start(cluster);
    await sessions.untilAllPlayOn(now(), 1500);
    const victim = await busiest(cluster, sessions);
    const gone = cluster.ended(victim);
    const fault = now();
    cluster.signal(victim, "SIGTERM");
    await gone;
    await sessions.untilAllPlayOn(fault, 3000);
    await sessions.check("SIGTERM ticker", fault);
    await sessions.leave();
    await cluster.untilAllReady();
  });

  test("[F3] a ticker is frozen for longer than its locks live: when it continues, no viewer notices", async ({
    cluster,
  }) => {
    const sessions = await PlayingSessions.start(cluster);
    await sessions.untilAllPlayOn(now(), 1500);
    const victim = await busiest(cluster, sessions);
    const fault = now();
    cluster.signal(victim, "SIGSTOP");
    try {
      await cluster.until(
        async () => [...(await sessions.byTicker()).keys()].every((node) => !node.startsWith(`${victim.name}-`)),
        "the other ticker to take over",
      );
      await sessions.untilAllPlayOn(now(), 500);
    } finally {
      cluster.signal(victim, "SIGCONT");
    }
    await sessions.untilAllPlayOn(now(), 3000);
    await sessions.check("SIGSTOP ticker", fault);
    await sessions.leave();
  });
});

test("[F7] a session that crashes its tickers is paused after the fifth crash, and plays again on command", async ({
  cluster,
}) => {
  const session = await cluster.watched({});
  const [viewer] = session.viewers;
  await viewer?.next(3);
  const killed = new Set<string>();
  for (;;) {
    const holder = async () => {
      const { ticker, state } = await cluster.record(session.id);
      return { ticker, paused: state === "PAUSED" };
    };
    await cluster.until(async () => {
      const { ticker, paused } = await holder();
      return paused || (ticker !== "" && !killed.has(ticker));
    }, "another ticker to claim the session, or its pause");
    const { ticker, paused } = await holder();
    if (paused) break;
    // As if the session made the process run out of memory: it ends without notice.
    const victim = cluster.tickers.find(({ name }) => ticker.startsWith(`${name}-`));
    if (victim === undefined) throw new Error(`no ticker ${ticker}`);
    killed.add(ticker);
    const gone = cluster.ended(victim);
    cluster.signal(victim, "SIGKILL");
    await gone;
  }
  expect(killed.size).toBe(5);
  await viewer?.until(() => viewer.session?.state === "PAUSED", "word of the pause");
  await cluster.untilAllReady();
  await cluster.http.control(session.id, "resume");
  await viewer?.next(10);
  expect(viewer?.frames).toHaveConsecutiveSeqs();
  await cluster.end(session);
});
