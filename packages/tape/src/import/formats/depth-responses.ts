import { instrumentKey, type SourceDiff, type SourceEvent, type SourceSnapshot } from "../events/source-event.js";
import type { EventStream } from "./format.js";

interface DepthResponse {
  readonly lastId: number;
}

/** Ids of one market are this near in the minutes around a response; those of other markets are usually not. */
const nearIds = 1_000_000;

/**
 * Finds the places of depth responses among diffs. A response names neither its market nor, for spot, its time, but its id is that of
 * the last update in it: it belongs before the first diff that has a later one.
 */
export class ResponsePlaces<Response extends DepthResponse> {
  #waiting: Response[] = [];
  /** The last diff of each market. */
  readonly #last = new Map<string, { readonly diff: SourceDiff; readonly id: number }>();

  get waiting(): readonly Response[] {
    return this.#waiting;
  }

  add(...responses: readonly Response[]): void {
    this.#waiting.push(...responses);
  }

  /** Takes the responses that belong between the diff and the one before it. */
  before(diff: SourceDiff): Response[] {
    if (diff.ids === undefined) return [];
    const { first, last } = diff.ids;
    const key = instrumentKey(diff.instrument);
    const previous = this.#last.get(key)?.id ?? first - nearIds;
    this.#last.set(key, { diff, id: last });
    if (this.#waiting.length === 0) return [];
    const fits = ({ lastId }: Response) =>
      lastId < first ? lastId >= previous : lastId < last || (lastId === last && diff.ids?.previous !== undefined);
    const found = this.#waiting.filter(fits);
    if (found.length > 0) this.#waiting = this.#waiting.filter((one) => !fits(one));
    return found;
  }

  /** Takes the waiting responses older than the last diff of the market with the nearest ids, each with that diff. */
  passed(): { response: Response; diff: SourceDiff }[] {
    const found: { response: Response; diff: SourceDiff }[] = [];
    this.#waiting = this.#waiting.filter((response) => {
      const nearest = this.#nearest(response);
      if (nearest === undefined || nearest.id <= response.lastId) return true;
      found.push({ response, diff: nearest.diff });
      return false;
    });
    return found;
  }

  /** Takes all that still wait, oldest first. */
  rest(): Response[] {
    return this.#waiting.splice(0);
  }

  #nearest({ lastId }: Response): { readonly diff: SourceDiff; readonly id: number } | undefined {
    const markets = [...this.#last.values()];
    const distance = ({ id }: { id: number }) => Math.abs(id - lastId);
    return markets.reduce<(typeof markets)[number] | undefined>(
      (best, one) => (best === undefined || distance(one) < distance(best) ? one : best),
      undefined,
    );
  }
}

/** A snapshot as it was read, before its market is known. */
export type UnplacedSnapshot = SourceSnapshot & DepthResponse;

/** Responses of one file that are looked at together: more may belong to other times or markets than to the recording's. */
const window = 64;

/**
 * Adds the responses of files of their own to the messages, each before the diff that follows it. `responses` are those files'
 * streams; their ids ascend. Responses without a place are left out, and `leftOut` is called for each.
 */
export async function* placeResponses(
  messages: EventStream,
  responses: readonly EventStream[],
  leftOut: () => void,
): EventStream {
  const queues = responses.map((stream) => new ResponseQueue(stream, leftOut));
  try {
    for await (const events of messages) {
      const placed: SourceEvent[] = [];
      for (const event of events) {
        if (event.kind === "diff") {
          for (const queue of queues) {
            await queue.fill();
            for (const snapshot of queue.places.before(event)) {
              placed.push({ ...snapshot, instrument: event.instrument, receivedNs: event.receivedNs });
            }
          }
        }
        placed.push(event);
      }
      yield placed;
    }
    for (const queue of queues) await queue.drain();
  } finally {
    for (const queue of queues) await queue.close();
  }
}

class ResponseQueue {
  readonly places = new ResponsePlaces<UnplacedSnapshot>();
  readonly #stream: AsyncIterator<readonly SourceEvent[]>;
  readonly #leftOut: () => void;
  #ended = false;

  constructor(stream: EventStream, leftOut: () => void) {
    this.#stream = stream[Symbol.asyncIterator]();
    this.#leftOut = leftOut;
  }

  async fill(): Promise<void> {
    while (!this.#ended && this.places.waiting.length < window) {
      await this.#read();
      // Those from before the recording's first diff would fill the window for ever.
      if (this.places.waiting.length >= window) for (const _ of this.places.passed()) this.#leftOut();
    }
  }

  /** Reads the file to its end; what is left has no place. */
  async drain(): Promise<void> {
    do for (const _ of this.places.rest()) this.#leftOut();
    while (await this.#read());
  }

  async close(): Promise<void> {
    await this.#stream.return?.();
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#stream.next();
    if (done) this.#ended = true;
    else for (const event of value) if (isUnplaced(event)) this.places.add(event);
    return !this.#ended;
  }
}

function isUnplaced(event: SourceEvent): event is UnplacedSnapshot {
  return event.kind === "snapshot" && event.lastId !== undefined;
}
