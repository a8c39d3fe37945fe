import { existsSync } from "node:fs";
import { expect } from "vitest";
import { testOnCluster } from "../../support/cluster.js";
import { signIn } from "../../support/sign-in.js";
import { Bystanders } from "../bystanders.js";
import { Clinging, habits, holdings } from "../clinging.js";

const test = testOnCluster(() => ({ apis: 1, gateways: 1, env: { all: signIn } }));
const possible = existsSync("/proc/self/fd");
if (!possible) console.warn("SKIPPED: descriptors are counted by /proc, which this system does not have");

/** Connections of each habit to each process. */
const each = 20;

test.skipIf(!possible)(
  "[R30] [U41] who clings to connections, or resets them, gets none for longer than half a minute, and delays nobody",
  async ({ cluster, onTestFinished }) => {
    const bystanders = await Bystanders.gather(cluster, 30);
    const open = () => Promise.all(cluster.waysIn.map(async ({ pid }) => (await holdings(pid)).descriptors));
    const before = await open();
    const clinging = new Clinging();
    onTestFinished(() => clinging.leave());
    await bystanders.during("clinging", async () => {
      for (const { url } of cluster.waysIn) {
        for (const habit of habits) await clinging.cling(url, habit, each);
      }
    });
    // Some connections between processes come and go.
    const held = async () => (await open()).map((count, at) => Math.max(0, count - (before[at] ?? 0) - 10));
    expect(Math.max(...(await held()))).toBeGreaterThan(0);
    await expect.poll(held, { timeout: 32_000, interval: 500 }).toEqual([0, 0, 0]);
    await bystanders.leave();
  },
);
