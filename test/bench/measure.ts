import { setTimeout as sleep } from "node:timers/promises";
import { describe } from "../support/distribution.js";
import { countCpu, type Pids } from "./cpu.js";
import type { Clip, Load } from "./load.js";
import type { Reel } from "./reel.js";

export interface Measured {
  readonly frames: number;
  readonly bytes: number;
  readonly holes: number;
  readonly seconds: number;
  /** Microseconds of processor time for a delivered frame, by kind of process. */
  readonly cost: Readonly<Record<string, number>>;
  /** Milliseconds between the moment a frame was due and its arrival at the client. */
  readonly lateness: readonly number[];
}

/** Lets the load run for `seconds` and counts. `clipsOf` is asked afterwards, since a deck may have been re-anchored meanwhile. */
export async function measure(
  load: Load,
  pids: Pids,
  reel: Reel,
  seconds: number,
  clipsOf: () => Promise<readonly Clip[]>,
): Promise<Measured> {
  await load.begin();
  const stopCounting = countCpu(pids);
  const from = performance.now();
  await sleep(seconds * 1000);
  const used = stopCounting();
  const received = await load.end();
  const took = (performance.now() - from) / 1000;
  const clips = await clipsOf();
  if (received.closed > 0) throw new Error(`${received.closed} sockets were closed during the measurement`);
  const frames = received.seq.length;
  return {
    frames,
    bytes: received.bytes,
    holes: received.holes,
    seconds: took,
    cost: Object.fromEntries(Object.entries(used).map(([kind, us]) => [kind, us / frames])),
    lateness: received.at.flatMap((at, index) => {
      const clip = clips[received.seat[index] ?? -1];
      const ns = reel.ns[received.seq[index] ?? -1];
      return clip && ns !== undefined ? [at - clip.anchorWallMs - (ns - clip.anchorNs) / 1e6] : [];
    }),
  };
}

/** The kinds of process that a frame passes. */
export const path = ["ticker", "redis", "gateway"] as const;

/** Microseconds a frame costs on its whole way. */
export function total(measured: Measured): number {
  return path.reduce((sum, kind) => sum + (measured.cost[kind] ?? 0), 0);
}

export function line(name: string, sessions: number, measured: Measured): string {
  const parts = path.map((kind) => `${kind} ${(measured.cost[kind] ?? 0).toFixed(1)}`).join(" + ");
  return (
    `${name.padEnd(8)} ${String(sessions).padStart(5)} sessions  ${parts} = ${total(measured).toFixed(1)} us a frame` +
    `  lateness ${describe(measured.lateness)} ms  ${measured.frames} frames of ${Math.round(measured.bytes / measured.frames)} bytes,` +
    ` ${Math.round(measured.frames / measured.seconds)}/s, ${measured.holes} holes`
  );
}
