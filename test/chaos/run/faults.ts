import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Service } from "@tapedeck/cli";
import type { Random } from "./random.js";

/** Something that happens to a cluster. `run` resolves when its cause is over. */
export interface Fault {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  readonly losesWrites: boolean;
  run(random: Random): Promise<unknown>;
}

const kinds = ["ticker", "gateway", "api", "feed"] as const;

function servicesOf(cluster: Cluster, kind: (typeof kinds)[number]): readonly Service[] {
  return { ticker: cluster.tickers, gateway: cluster.gateways, api: cluster.apis, feed: cluster.feeds }[kind];
}

async function end(service: Service, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const gone = once(service.child, "exit");
  service.child.kill(signal);
  await gone;
}

async function freeze(service: Service, random: Random): Promise<void> {
  const { child } = service;
  child.kill("SIGSTOP");
  await sleep(random.between(500, 6_000));
  child.kill("SIGCONT");
}

/** What can happen to the processes of a cluster, which restarts them by itself. */
export function processFaults(cluster: Cluster): Fault[] {
  return kinds.flatMap((kind) => {
    const weight = { ticker: 4, gateway: 4, api: 2, feed: 2 }[kind];
    const one = (random: Random) => random.pick(servicesOf(cluster, kind).filter(({ ready }) => ready));
    return [
      { name: `${kind} SIGKILL`, weight, losesWrites: false, run: (random: Random) => end(one(random), "SIGKILL") },
      { name: `${kind} SIGTERM`, weight, losesWrites: false, run: (random: Random) => end(one(random), "SIGTERM") },
      { name: `${kind} frozen`, weight, losesWrites: false, run: (random: Random) => freeze(one(random), random) },
    ];
  });
}

export async function untilAllReady(cluster: Cluster, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  const services = () => kinds.flatMap((kind) => servicesOf(cluster, kind));
  while (!services().every(({ ready }) => ready)) {
    if (performance.now() > deadline) throw new Error("the services did not come back after a fault");
    await sleep(50);
  }
}

/** One of the faults, by weight. */
export function choose(faults: readonly Fault[], random: Random): Fault {
  return random.pick(faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)));
}
