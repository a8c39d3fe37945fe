import { readFileSync, writeFileSync } from "node:fs";

/** A tape's frames in memory: what the floor publishes, and the times that lateness is measured against. */
export interface Reel {
  /** Playing time of each frame, nanoseconds since the tape's start. */
  readonly ns: readonly number[];
  readonly json: readonly string[];
}

export function writeReel(file: string, reel: Reel): void {
  writeFileSync(file, JSON.stringify(reel));
}

export function readReel(file: string): Reel {
  const reel: Reel = JSON.parse(readFileSync(file, "latin1"));
  return reel;
}
