// What a delivered frame costs, for the product and for the floor, in one run: see docs/benchmarks.md.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tapes } from "../support/tapes.js";
import { runFloor } from "./floor-run.js";
import { line, type Measured, total } from "./measure.js";
import { runProduct } from "./product-run.js";
import { type Reel, writeReel } from "./reel.js";

const scales = (process.env.BENCH_SESSIONS ?? "500,2000").split(",").map(Number);
const seconds = Number(process.env.BENCH_SECONDS ?? 20);
const warmUpMs = 6000;

const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-"));
try {
  const tapes = new Tapes(join(folder, "tapes"));
  await tapes.recorded("slow");
  const truth = await tapes.truth("slow");
  const timeline = truth.tape.timeline("skip");
  const seqs = Array.from({ length: truth.lastSeq + 1 }, (_, seq) => seq);
  const reel: Reel = {
    ns: seqs.map((seq) => timeline.playingOf(truth.ns(seq))),
    json: seqs.map((seq) => truth.json(seq)),
  };
  const reelFile = join(folder, "reel.json");
  writeReel(reelFile, reel);
  // Spread over the first half of the tape, so that none reaches its end.
  const fromSeq = (index: number) => (index * 7919) % Math.floor(truth.lastSeq / 2);
  const playingOf = (ns: number) => timeline.playingOf(ns);
  const product = { seconds, warmUpMs, reel, playingOf, fromSeq, store: tapes.folder, tape: "slow" };

  for (const sessions of scales) {
    const ours = await runProduct({ ...product, sessions });
    console.log(line("product", sessions, ours));
    const floor = await runFloor({ sessions, seconds, warmUpMs, reel, reelFile, fromSeq });
    console.log(line("floor", sessions, floor));
    console.log(`ratio    ${String(sessions).padStart(5)} sessions  ${(total(ours) / total(floor)).toFixed(2)}`);
    refuseHoles(ours, floor);
  }
  const [fewest = 500] = scales;
  const balanced = await runProduct({ ...product, sessions: fewest, seconds: seconds / 2, balanced: true });
  console.log(line("balanced", fewest, balanced));
  console.log(
    `balancer ${String(fewest).padStart(5)} sessions  ${(balanced.cost.balancer ?? 0).toFixed(1)} us a frame`,
  );
  refuseHoles(balanced);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function refuseHoles(...results: readonly Measured[]): void {
  if (results.every(({ holes, frames }) => holes === 0 && frames > 0)) return;
  console.error("Frames are missing: these numbers mean nothing.");
  process.exitCode = 1;
}
