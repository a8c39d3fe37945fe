import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import { breakIn } from "../support/expect.js";
import { now } from "../support/viewer.js";
import { receivedFramesOf, untilAllPlayOn, watchSessions } from "../support/watched-sessions.js";
import { longestStall } from "./upgrade-viewers.js";

const users = 24;
/** What a viewer may notice, and how much more on a machine with other work. */
const stillMs = 2_000;
const roomMs = 3_000;

const test = testOnCluster(() => ({ gateways: 2, tickers: 2 }));

test("[F83] [U43] [U44] a gateway freezes behind the balancer: its viewers stand still for at most two seconds, resume elsewhere by token and miss nothing", async ({
  cluster,
}) => {
  await cluster.recording("slow");
  const sessions = await watchSessions(
    cluster,
    Array.from({ length: users }, () => ({ mode: "REPLAY", speed: 1, body: { tape: "slow" } })),
  );
  const [frozen] = cluster.gateways;
  if (!frozen) throw new Error("no gateway");
  const through = sessions.filter(({ viewer }) => viewer.messagesOf("session")[0]?.node.startsWith(frozen.name));
  expect(through.length).toBeGreaterThan(users / 4);

  const began = now();
  cluster.signal(frozen, "SIGSTOP");
  try {
    await untilAllPlayOn(sessions, began + stillMs);
    // New sockets and requests go to the other one all the while.
    const others = await watchSessions(
      cluster,
      Array.from({ length: 4 }, () => ({ mode: "REPLAY", speed: 1, body: { tape: "slow" } })),
    );
    for (const { viewer } of others) expect(viewer.closes).toEqual([]);
  } finally {
    cluster.signal(frozen, "SIGCONT");
  }
  const thawed = now();
  await untilAllPlayOn(sessions, thawed + 1_000);

  const seen = await receivedFramesOf(cluster, sessions);
  const stalls = (ids: readonly { readonly id: string }[]) =>
    seen
      .filter(({ id }) => ids.some((session) => session.id === id))
      .map((session) => longestStall(session, [began, thawed + 1_000]));
  const untouched = sessions.filter((session) => !through.includes(session));
  cluster.note(`chaos SIGSTOP gateway: stillness ${distribution(stalls(through))} ms of ${through.length} viewers`);
  cluster.note(`chaos SIGSTOP gateway: of others ${distribution(stalls(untouched))} ms of ${untouched.length} viewers`);
  // Viewers of the other gateway show how late this machine is anyway.
  expect(Math.max(...stalls(through))).toBeLessThan(stillMs + roomMs + Math.max(...stalls(untouched)));
  for (const { id, viewer, frames, truth } of seen) {
    expect(breakIn(frames), `${id} misses, repeats or reorders`).toBeUndefined();
    expect(frames.map((frame) => truth.flaw(frame)).find((flaw) => flaw !== undefined)).toBeUndefined();
    expect(new Set(frames.map(({ epoch }) => epoch)).size, `${id} keeps its epoch`).toBe(1);
    const wasThrough = through.some((session) => session.id === id);
    expect(viewer.closes, id).toEqual(wasThrough ? [1006] : []);
  }
});
