import type { Worker } from "node:worker_threads";
import { startThread } from "@tapedeck/tape/blocks";
import type { TrackReply, TrackTask } from "./track-worker.js";

/** The thread that makes the files of one track. */
export class TrackThread {
  readonly #worker: Worker;
  #waiting: { readonly resolve: (reply: TrackReply) => void; readonly reject: (error: Error) => void } | undefined;
  #gone: Error | undefined;

  constructor() {
    this.#worker = startThread(new URL("./track-worker.js", import.meta.url), import.meta.url);
    this.#worker.on("message", (reply: TrackReply) => this.#take()?.resolve(reply));
    const gone = (error: Error) => {
      this.#gone ??= error;
      this.#take()?.reject(error);
    };
    this.#worker.on("error", gone);
    this.#worker.on("exit", (code) => gone(new Error(`the thread that makes a track ended with code ${code}`)));
  }

  /** One task at a time. Rejects if the thread has ended. */
  ask(task: TrackTask): Promise<TrackReply> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) reject(this.#gone);
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(task);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
