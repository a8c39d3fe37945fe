import { framesPerSegment, type OwnOrder, type SimulatedMarket } from "@tapedeck/market";
import { LRUCache } from "lru-cache";
import { framesPerSimulatedBlock } from "../layout.js";
import { marketOf } from "../market-of.js";
import { type SimulatedName, simulatedId } from "../simulated-name.js";

/** A market that is made frame by frame. */
export interface MarketRun<Run> {
  /** The frame that is made next. */
  readonly seq: number;
  /** Makes a block, and keeps nothing of its frames. */
  skipBlock(): void;
  /** Goes on from here with these orders; those of frames before are the same. */
  copy(orders: readonly OwnOrder[]): Run;
}

/** An order whose id stands for all those before it, too. */
export interface NamedOrder extends OwnOrder {
  readonly id: string;
}

/** Six seconds of a market that sees orders of a user. */
export interface BlockTask {
  readonly name: SimulatedName;
  readonly segment: number;
  /** Of the segment's blocks. */
  readonly block: number;
  /** Those that the segment shows, or the one before it, in order of their frames. */
  readonly orders: readonly NamedOrder[];
}

/** Where a run begins that has the frames of a segment. */
export type BeginRun<Run> = (market: SimulatedMarket, segment: number, orders: readonly OwnOrder[]) => Run;

/**
 * Copies of markets, one for each six seconds that were made: docs/decisions/0085. An order changes nothing before its frame, so a market that sees another
 * one goes on from the last copy before that.
 */
export class Checkpoints<Run extends MarketRun<Run>> {
  readonly #begin: BeginRun<Run>;
  readonly #kept: LRUCache<string, Run>;

  /** @param most copies that are kept, of some 100 kB */
  constructor(begin: BeginRun<Run>, most: number) {
    this.#begin = begin;
    this.#kept = new LRUCache({ max: most });
  }

  /**
   * A market that makes a block next. Throws `TapeNotFound` for one that this release cannot generate.
   *
   * @param pause called after each six seconds made: it may do something else first
   */
  runTo(task: BlockTask, pause?: () => void): Run {
    const seq = task.segment * framesPerSegment + task.block * framesPerSimulatedBlock;
    let run = this.#nearest(task, seq) ?? this.#begin(marketOf(task.name), task.segment, task.orders);
    while (run.seq < seq) {
      run.skipBlock();
      this.keep(task, run);
      run = run.copy(task.orders);
      pause?.();
    }
    return run;
  }

  /** Keeps a run that has come to the end of a block, and is not gone on with itself. */
  keep(task: BlockTask, run: Run): void {
    this.#kept.set(keyOf(task, run.seq), run);
  }

  /** A copy of the last one up to a frame, of those of this segment. */
  #nearest(task: BlockTask, seq: number): Run | undefined {
    // A run of frames begins with the segment before.
    const first = (task.segment - 1) * framesPerSegment;
    for (let at = seq; at > first; at -= framesPerSimulatedBlock) {
      const kept = this.#kept.get(keyOf(task, at));
      if (kept !== undefined) return kept.copy(task.orders);
    }
    return undefined;
  }
}

/** A market up to a frame follows from its name, the segment that is made, and the last order by then, which says all before it. */
function keyOf({ name, segment, orders }: BlockTask, seq: number): string {
  const { fork: _, ...bare } = name;
  const last = orders.findLast((order) => order.seq < seq);
  return `${simulatedId(bare)}@${name.version} ${segment} ${last?.id ?? ""} ${seq}`;
}
