import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Service } from "@tapedeck/cli";
import type { Mode } from "../oracle/history.js";
import type { Line } from "./lines.js";
import type { Random } from "./random.js";

/** A viewer at the moment of a fault, and what its frames depend on. */
export interface Viewer {
  /** Unique in the run. */
  readonly key: string;
  readonly session: string;
  readonly mode: Mode | undefined;
  /** Frames a second that its tape and pace give it. */
  readonly fps: number;
  /** Name of the gateway that it is connected to. */
  readonly gateway: string;
  /** The node that renders its session. */
  readonly ticker: string;
}

/** A fault whose victim has been chosen. */
export interface Strike {
  /** Whether the viewer's frames depend on the victim. */
  affects(viewer: Viewer): boolean;
  /** Resolves when the cause is over: for a Redis master that is replaced with the moment when it was, by `Date.now()`. */
  run(): Promise<number | undefined>;
}

/** Something that happens to a cluster. */
export interface Fault {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  readonly losesWrites: boolean;
  /** The longest stillness of a viewer, p99, that issue 14 allows; after its replacement if a Redis master fails. */
  readonly targetMs?: number;
  prepare(random: Random, viewers: readonly Viewer[]): Promise<Strike>;
}

/** Those that viewers depend on. */
const viewed = ["ticker", "gateway", "api", "feed"] as const;
export type Kind = (typeof viewed)[number] | "venue";

export function servicesOf(cluster: Cluster, kind: Kind): readonly Service[] {
  return {
    ticker: cluster.tickers,
    gateway: cluster.gateways,
    api: cluster.apis,
    feed: cluster.feeds,
    venue: cluster.venues,
  }[kind];
}

async function end({ child }: Service, signal: "SIGKILL" | "SIGTERM"): Promise<undefined> {
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

/** Long enough for the slowest to be noticed, a frozen gateway by the SDK. */
const lasts = { least: 1_000, most: 5_000 } as const;

async function freeze({ child }: Service, ms: number): Promise<undefined> {
  child.kill("SIGSTOP");
  await sleep(ms);
  child.kill("SIGCONT");
}

async function silence(line: Line, ms: number): Promise<undefined> {
  line.goSilent();
  await sleep(ms);
  line.restore();
}

function affects(kind: Kind, { name }: Service): (viewer: Viewer) => boolean {
  if (kind === "ticker") return ({ ticker }) => ticker.startsWith(`${name}-`);
  if (kind === "gateway") return ({ gateway }) => gateway === name;
  if (kind === "venue") return () => false;
  return kind === "feed" ? ({ mode }) => mode === "LIVE" : () => true;
}

type Way = "SIGKILL" | "SIGTERM" | "frozen";
const targetsMs: Partial<Record<`${Kind} ${Way}`, number>> = {
  "ticker SIGKILL": 300,
  "ticker frozen": 300,
  "gateway SIGKILL": 500,
  "gateway frozen": 2_000,
  "gateway SIGTERM": 300,
  "ticker SIGTERM": 150,
  "api SIGTERM": 150,
  "feed SIGTERM": 150,
};
const weights: Readonly<Record<Kind, Readonly<Record<Way, number>>>> = {
  ticker: { SIGKILL: 4, SIGTERM: 3, frozen: 4 },
  gateway: { SIGKILL: 3, SIGTERM: 3, frozen: 3 },
  api: { SIGKILL: 1, SIGTERM: 2, frozen: 1 },
  feed: { SIGKILL: 1, SIGTERM: 2, frozen: 1 },
  venue: { SIGKILL: 4, SIGTERM: 3, frozen: 4 },
};

/** What can happen to the processes of a cluster, which restarts them by itself. */
export function processFaults(cluster: Cluster, kinds: readonly Kind[] = viewed): Fault[] {
  return kinds.flatMap((kind) =>
    (["SIGKILL", "SIGTERM", "frozen"] as const).map((way): Fault => {
      const targetMs = targetsMs[`${kind} ${way}`];
      return {
        name: `${kind} ${way}`,
        weight: weights[kind][way],
        losesWrites: false,
        ...(targetMs !== undefined && { targetMs }),
        prepare: async (random, viewers) => {
          const serving = servicesOf(cluster, kind).filter(({ ready }) => ready);
          const used = serving.filter((service) => viewers.some(affects(kind, service)));
          const victim = random.pick(used.length > 0 ? used : serving);
          const ms = random.between(lasts.least, lasts.most);
          const isHit = affects(kind, victim);
          return {
            // The SDK leaves a silent node after twice the usual interval: the target is for those whose interval is short.
            affects: kind === "gateway" && way === "frozen" ? (viewer) => isHit(viewer) && viewer.fps >= 4 : isHit,
            run: () => (way === "frozen" ? freeze(victim, ms) : end(victim, way)),
          };
        },
      };
    }),
  );
}

/** What can happen between a process and Redis. */
export function lineFaults(
  cluster: Cluster,
  lines: readonly { kind: "ticker" | "gateway"; name: string; line: Line }[],
): Fault[] {
  return lines.map(
    ({ kind, name, line }): Fault => ({
      name: `${kind} cut off`,
      weight: kind === "ticker" ? 4 : 1,
      losesWrites: false,
      ...(kind === "ticker" && { targetMs: 300 }),
      prepare: async (random) => {
        const victim = servicesOf(cluster, kind).find((service) => service.name === name);
        const ms = random.between(lasts.least, lasts.most);
        return { affects: victim ? affects(kind, victim) : () => false, run: () => silence(line, ms) };
      },
    }),
  );
}

export async function untilAllReady(cluster: Cluster, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  const services = () => [...viewed, "venue" as const].flatMap((kind) => servicesOf(cluster, kind));
  while (!services().every(({ ready }) => ready)) {
    if (performance.now() > deadline) throw new Error("the services did not come back after a fault");
    await sleep(50);
  }
}

/** One of the faults, by weight. */
export function choose(faults: readonly Fault[], random: Random): Fault {
  return random.pick(faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault)));
}
