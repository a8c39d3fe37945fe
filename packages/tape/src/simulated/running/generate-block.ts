import type { TapeEvent } from "../../tape.js";
import { makeBlock, type OnBlock } from "../generate-segment.js";
import { type BlockTask, Checkpoints } from "./checkpoints.js";
import { FrameRun } from "./frame-run.js";
import { TrackRun, type TrackStretch } from "./track-run.js";

/** For some ten sessions with orders: two or three each at a time, and twice as many around the end of a minute. */
const mostKept = 100;

/** Makes blocks of markets that see orders of users, each from a checkpoint at its beginning where there is one. */
export class BlockGenerator {
  readonly #frames = new Checkpoints<FrameRun>((...run) => FrameRun.before(...run), mostKept);
  readonly #tracks = new Checkpoints<TrackRun>((...run) => TrackRun.from(...run, true), mostKept);

  /** The frames of a block; returns the events in them. Throws as `generateSegment` does. */
  frames(task: BlockTask, take: OnBlock, pause?: () => void): TapeEvent[] {
    const run = this.#frames.runTo(task, pause);
    const events = makeBlock(run, take);
    this.#frames.keep(task, run);
    return events;
  }

  /** The event track of a block. Throws as `generateSegment` does. */
  track(task: BlockTask, pause?: () => void): TrackStretch {
    const run = this.#tracks.runTo(task, pause);
    const stretch = run.makeBlock();
    this.#tracks.keep(task, run);
    return stretch;
  }
}
