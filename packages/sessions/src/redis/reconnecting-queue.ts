import { Queue, type QueueOptions } from "bullmq";

/**
 * A queue of BullMQ for a connection that comes and goes. BullMQ asks Redis for its version when a queue is made, and a queue whose
 * question failed fails for ever; so it is made when it is first used, and anew if that failed.
 */
export class ReconnectingQueue<Data = unknown> {
  readonly name: string;
  readonly #options: QueueOptions;
  readonly #onError: (error: Error) => void;
  #queue: Queue<Data> | undefined;

  constructor(name: string, options: QueueOptions, onError: (error: Error) => void = () => {}) {
    this.name = name;
    this.#options = options;
    this.#onError = onError;
  }

  /** The queue, ready to be used. Rejects while Redis is away. */
  async get(): Promise<Queue<Data>> {
    const queue = this.#queue ?? this.#make();
    try {
      await queue.waitUntilReady();
      return queue;
    } catch (error) {
      if (this.#queue === queue) this.#queue = undefined;
      queue.close().catch(() => {}); // it has no connection of its own
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }

  #make(): Queue<Data> {
    // It waits for no connection: whoever uses it wants an answer, and Redis's absence is one.
    const queue = new Queue<Data>(this.name, { ...this.#options, skipWaitingForReady: true });
    queue.on("error", this.#onError);
    this.#queue = queue;
    return queue;
  }
}
