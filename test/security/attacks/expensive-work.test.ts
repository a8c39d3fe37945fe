import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Service } from "@tapedeck/cli";
import { subprotocol } from "@tapedeck/protocol";
import { expect } from "vitest";
import { z } from "zod";
import { cpuOf } from "../../bench/cpu.js";
import { type TestCluster, testOnCluster } from "../../support/cluster.js";
import { describe } from "../../support/distribution.js";
import type { Http } from "../../support/http.js";
import { headersOf, signIn } from "../../support/sign-in.js";
import { now } from "../../support/viewer.js";
import { Bystanders } from "../bystanders.js";

const test = testOnCluster(() => ({ apis: 1, env: { all: { ...signIn, SIMULATION_WARM_UP: "on" } } }));

const attackMs = 3_000;
/** Maximum duration of another user's commands, on a machine of two cores that also runs other tests. */
const inTimeMs = 10_000;

test("[A95] [A96] [SM35] [SO26] a user who requests as much expensive work as possible delays no viewer, order or search of others; it stops when the clients disconnect", async ({
  cluster,
}) => {
  const [api] = cluster.apis;
  const [gateway] = cluster.gateways;
  if (!api || !gateway) throw new Error("no api or no gateway");
  const mallory = await headersOf("mallory");
  const sessions: string[] = [];
  for (let seed = 0; seed < 8; seed++) sessions.push(await market(cluster.http.as(mallory), seed, "calm"));
  const other = cluster.http.as(await headersOf("victoria"));
  const [own, searched] = [await market(other, 100, "mixed"), await market(other, 101, "mixed")];
  const overview = "/tapes/sim2.BTCUSDT.100.mixed/overview?points=500";
  const uses = {
    order: () => other.control(own, "order", { side: "BUY", quantity: 1 }),
    search: () => other.control(searched, "seek", { event: "next" }),
    overview: () => other.ask(z.looseObject({}), "GET", overview),
  };
  for (const use of Object.values(uses)) await use(); // warms up, so that compilation is not measured

  const bystanders = await Bystanders.gather(cluster);
  const attackers = async () => {
    const attack = search({
      api: api.url,
      gateway: gateway.url.replace(/^http/, "ws"),
      protocol: subprotocol,
      headers: mallory,
      sessions,
      ms: attackMs,
    });
    const used = Object.entries(uses).map(async ([what, use]) => {
      const took = await timedUntil(attack, use);
      cluster.note(`attack costly work: another user's ${what} takes ${describe(took)} ms`);
      expect(Math.max(...took)).toBeLessThan(inTimeMs);
    });
    const [answers] = await Promise.all([attack, ...used]);
    cluster.note(`attack costly work: answers to the attacker ${JSON.stringify(answers)}`);
    expect(answers.left).toBeGreaterThan(10);
  };
  await bystanders.during("costly work", attackers, { attempts: 3 });

  await idle(cluster, api);
  await bystanders.leave();
});

/** A session in a simulated market, playing. */
async function market(http: Http, seed: number, scenario: string): Promise<string> {
  return (await http.create({ mode: "SIMULATION", seed, scenario })).session_id;
}

/** Repeats an action, which must succeed, until the attack is over. @returns the duration of each in ms */
async function timedUntil(attack: Promise<unknown>, work: () => Promise<unknown>): Promise<number[]> {
  let over = false;
  const end = () => {
    over = true;
  };
  attack.then(end, end);
  const took: number[] = [];
  while (!over) {
    const since = now();
    await work();
    took.push(now() - since);
  }
  return took;
}

/** Waits until a service uses less than a fifth of a core over half a second. */
async function idle(cluster: TestCluster, { child: { pid = 0 } }: Service): Promise<void> {
  const since = now();
  let look = { at: since, us: cpuOf(pid) };
  await cluster.until(
    () => {
      if (now() - look.at < 500) return false;
      const used = cpuOf(pid) - look.us;
      const ms = now() - look.at;
      look = { at: now(), us: cpuOf(pid) };
      return used / 1000 / ms < 0.2;
    },
    "the api to be idle",
    5_000,
  );
  cluster.note(`attack costly work: idle ${Math.round(now() - since)} ms after the last client had left`);
}

/** @returns the number of answers to the attacker, by status */
async function search(options: object): Promise<Record<string, number>> {
  const script = fileURLToPath(new URL("../searcher.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(options)]);
  return z.record(z.string(), z.number()).parse(JSON.parse(stdout));
}
