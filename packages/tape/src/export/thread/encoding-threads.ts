import type { Worker } from "node:worker_threads";
import type { Tape } from "../../tape.js";
import { startThread } from "../../threads/start-thread.js";
import type { TrackDecimals } from "../../track/track.js";
import type { SeqRange } from "../export-range.js";
import type { EncodedPart } from "../repeatable-parquet.js";
import type { ExportContent } from "../row-source.js";
import type { EncodeTask, FromEncoder, ToEncoder } from "./messages.js";
import { TapeReadings } from "./tape-readings.js";

/** An encoder needs 120 MB; without a limit, Node lets garbage grow to four times as much. */
const heapMb = 256;
/** Threads that wait for another file. To start one takes longer than to make a small file. */
const maxIdle = 1;

export interface EncodeOptions {
  readonly content: ExportContent;
  readonly range: SeqRange;
  /** Trades, book and orders with the events that no frame shows; false by default. */
  readonly whole?: boolean;
  /** Of bars, in nanoseconds. */
  readonly intervalNs: bigint;
  /** Of a tape that grows: its decimals, where it has others by now. */
  readonly precision?: Tape["precision"] | undefined;
  readonly decimals?: TrackDecimals | undefined;
}

/**
 * Makes Parquet files of tapes in threads of their own: this thread only reads the tapes. The threads have a low priority, and do not keep the process
 * alive while they are idle.
 */
export class EncodingThreads {
  #idle: Worker[] = [];
  #closed = false;

  /**
   * The parts of a file. One is made at a time, when it is asked for; a generator that is left ends the thread. Fails as reading the tape does.
   */
  async *encode(tape: Tape, options: EncodeOptions): AsyncGenerator<EncodedPart, void, undefined> {
    const task = taskOf(tape, options);
    const readings = new TapeReadings(tape, task);
    const worker = this.#take();
    let finished = false;
    try {
      worker.postMessage({ task } satisfies ToEncoder);
      for (let part = await nextPart(worker, readings); part !== undefined; part = await nextPart(worker, readings)) {
        yield part;
      }
      finished = true;
    } finally {
      await readings.close();
      await this.#leave(worker, finished);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.map((worker) => worker.terminate()));
    this.#idle = [];
  }

  #take(): Worker {
    const worker = this.#idle.pop() ?? this.#start();
    worker.ref();
    return worker;
  }

  #start(): Worker {
    const worker = startThread(new URL("./encode-worker.js", import.meta.url), import.meta.url, {
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    const gone = (): void => {
      this.#idle = this.#idle.filter((idle) => idle !== worker);
    };
    // Whoever waits for a part hears of it, too.
    return worker.on("error", gone).on("exit", gone);
  }

  /** One whose file was not finished may still be at it. */
  async #leave(worker: Worker, finished: boolean): Promise<void> {
    if (!finished || this.#closed || this.#idle.length >= maxIdle) {
      await worker.terminate();
      return;
    }
    worker.unref();
    this.#idle.push(worker);
  }
}

function taskOf(tape: Tape, options: EncodeOptions): EncodeTask {
  const { content, range, whole = false, intervalNs, precision = tape.precision, decimals: scale } = options;
  const { id, source, symbol, startNs, decimals, span, track } = tape;
  return {
    ...{ content, range, whole, intervalNs },
    tape: { id, source, symbol, startNs, decimals, span, precision: { ...precision } },
    track: track && { decimals: scale ?? track.decimals, hasOrders: track.orders !== undefined },
  };
}

/** Asks for the next part, and answers what the thread asks for meanwhile. Undefined: there are no more. */
function nextPart(worker: Worker, readings: TapeReadings): Promise<EncodedPart | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      worker.off("message", take).off("error", fail).off("exit", end);
      outcome();
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const end = (code: number): void => fail(new Error(`the encoding thread ended with code ${code}`));
    const take = (message: FromEncoder): void => {
      if (message === "end") settle(() => resolve(undefined));
      else if ("bytes" in message) settle(() => resolve(message));
      else if ("error" in message) fail(new Error(`a file cannot be encoded: ${message.error}`));
      else {
        const { call, of } = message;
        readings.answer(of).then((answer) => worker.postMessage({ call, answer } satisfies ToEncoder), fail);
      }
    };
    worker.on("message", take).on("error", fail).on("exit", end);
    worker.postMessage("next" satisfies ToEncoder);
  });
}
