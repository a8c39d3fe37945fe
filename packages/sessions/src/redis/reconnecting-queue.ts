import { Queue, type QueueOptions } from "bullmq";

/**
 * A BullMQ queue that survives an absence of Redis. BullMQ asks Redis for its version when a queue is created, and a queue whose
 * request failed stays unusable; so it is created at its first use, and again if that failed.
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

  /** The queue, ready for use. Rejects while Redis is away. */
  async get(): Promise<Queue<Data>> {
    const queue = this.#queue ?? this.#create();
    try {
      await queue.waitUntilReady();
      return queue;
    } catch (error) {
      if (this.#queue === queue) this.#queue = undefined;
      queue.close().catch(() => {}); // the connection stays open: the queue does not own it
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }

  #create(): Queue<Data> {
    // Callers need an error at once while Redis is away, so the queue does not wait for the connection.
    const queue = new Queue<Data>(this.name, { ...this.#options, skipWaitingForReady: true });
    queue.on("error", this.#onError);
    this.#queue = queue;
    return queue;
  }
}
