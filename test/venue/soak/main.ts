// npm run soak:clients -- [--minutes 10] [--clients ccxt,binance] [--accounts spot,usdm] [--markets recorded,live,simulated] [--speeds 1,10] [--orders 1000] [--at-once 12]
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { clientNames, installedClients } from "./clients.js";
import { marketNames } from "./market.js";
import { startSoakCluster } from "./soak-cluster.js";
import { type SoakPlan, type SoakResult, soak } from "./soak-line.js";
import { table } from "./table.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    clients: { type: "string", default: clientNames.join() },
    accounts: { type: "string", default: "spot,usdm" },
    markets: { type: "string", default: marketNames.join() },
    speeds: { type: "string", default: "1,10" },
    orders: { type: "string", default: "1000" },
    "at-once": { type: "string", default: "12" },
  },
});
const list = <T>(of: z.ZodType<T>) =>
  z.preprocess((text) => (typeof text === "string" ? text.split(",") : text), z.array(of).min(1));
const options = z
  .object({
    minutes: z.coerce.number().min(0.5),
    clients: list(z.enum(clientNames)),
    accounts: list(z.enum(["spot", "usdm"])),
    markets: list(z.enum(marketNames)),
    speeds: list(z.coerce.number().min(1).max(100)),
    orders: z.coerce.number().int().min(1),
    "at-once": z.coerce.number().int().min(1),
  })
  .parse(values);

const seconds = options.minutes * 60;
const tell = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
// Ends what was started here, also the Redis.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const { clients, skipped } = await installedClients(options.clients);
const plans: SoakPlan[] = clients
  .filter(({ account }) => options.accounts.includes(account))
  .flatMap((client) => options.markets.flatMap((market) => options.speeds.map((speed) => ({ client, market, speed }))))
  .map((plan, number) => ({ ...plan, number, seconds, orders: options.orders }));
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
const atOnce = options["at-once"];
const name = `commit ${commit}: ${plans.length} lines of ${options.minutes} minutes and ${options.orders} orders`;
tell(name);

const results: SoakResult[] = [];
const cluster = await startSoakCluster();
try {
  if (options.markets.includes("live")) {
    await cluster.beginLiveMarket();
    // At ten times its speed it is played from its beginning to its edge again and again.
    if (options.speeds.some((speed) => speed > 1)) await sleep(Math.min(120, Math.max(45, seconds / 5)) * 1_000);
  }
  await atMost(atOnce, plans, async (plan) => {
    const { client, market, speed } = plan;
    const line = `${client.name} ${client.account}, ${market} at ${speed}x`;
    tell(`${line} begins`);
    const result = await soak(cluster, plan).catch((error: unknown) => failed(plan, error));
    results.push(result);
    const { fills, told, rewinds, problems, failures } = result;
    tell(`${line}: ${fills} fills, ${told} told, ${rewinds} rewinds, ${problems} problems: ${verdict(failures)}`);
  });
} finally {
  await cluster.stop();
  if (process.env.TAPEDECK_KEEP_LOGS) tell(`logs are in ${cluster.folder}`);
}

/** Runs plans in their order, as many at a time as their loads permit; one may be more than that, alone. */
async function atMost(most: number, all: readonly SoakPlan[], run: (plan: SoakPlan) => Promise<void>): Promise<void> {
  const active = new Map<SoakPlan, Promise<void>>();
  const load = () => [...active.keys()].reduce((sum, plan) => sum + loadOf(plan), 0);
  for (const plan of all) {
    while (active.size > 0 && load() + loadOf(plan) > most) await Promise.race(active.values());
    active.set(
      plan,
      run(plan).finally(() => active.delete(plan)),
    );
  }
  await Promise.all(active.values());
}

/** Of what two cores carry, twelve; a simulated market that reacts to orders at ten times its speed takes 0.6 of a core. */
function loadOf({ market, speed }: SoakPlan): number {
  if (speed <= 2) return 1;
  return { recorded: 2, live: 3, simulated: 6 }[market];
}

function verdict(failures: readonly string[]): string {
  return failures.length === 0 ? "passed" : `FAILED: ${failures.join("\n  ")}`;
}

function failed(plan: SoakPlan, error: unknown): SoakResult {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${error.cause}` : "";
  const why = `${error instanceof Error ? error.message : error}${cause}`;
  return { plan, fills: 0, told: 0, rewinds: 0, reconnects: 0, levels: 0, problems: 0, failures: [why] };
}

const inOrder = results.sort((a, b) => a.plan.number - b.plan.number);
console.log(`\n${table(inOrder)}\n\n${name}`);
for (const each of skipped) console.log(`SKIPPED: ${each}, which this machine cannot run`);
const failures = inOrder.filter(({ failures: found }) => found.length > 0).length;
console.log(failures === 0 ? `All ${inOrder.length} passed.` : `${failures} of ${inOrder.length} failed.`);
process.exit(failures > 0 || inOrder.length === 0 ? 1 : 0);
