import { existsSync } from "node:fs";
import { expect } from "vitest";
import { testOnCluster } from "../../support/cluster.js";
import { signIn } from "../../support/sign-in.js";
import { Bystanders } from "../bystanders.js";
import { HeldConnections, habits, holdings } from "../held-connections.js";

const test = testOnCluster(() => ({ apis: 1, gateways: 1, env: { all: signIn } }));
const possible = existsSync("/proc/self/fd");
if (!possible) console.warn("SKIPPED: descriptors are counted by /proc, which this system does not have");

/** Connections of each habit to each process. */
const each = 20;

test.skipIf(!possible)(
  "[R30] [U41] a client that holds or resets connections keeps none for longer than half a minute, and delays no viewer",
  async ({ cluster, onTestFinished }) => {
    const bystanders = await Bystanders.gather(cluster, 30);
    const open = () => Promise.all(cluster.endpoints.map(async ({ pid }) => (await holdings(pid)).descriptors));
    const before = await open();
    const connections = new HeldConnections();
    onTestFinished(() => connections.close());
    // Connections between processes open and close meanwhile.
    const held = async () => (await open()).map((count, at) => Math.max(0, count - (before[at] ?? 0) - 10));
    const attack = async () => {
      for (const { url } of cluster.endpoints) {
        for (const habit of habits) await connections.hold(url, habit, each);
      }
      expect(Math.max(...(await held()))).toBeGreaterThan(0);
      await expect.poll(held, { timeout: 32_000, interval: 500 }).toEqual([0, 0, 0]);
    };
    await bystanders.during("held connections", attack, { attempts: 3 });
    await bystanders.leave();
  },
);
