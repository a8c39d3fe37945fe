import type { TradeHistory } from "../candles/trade-history.js";
import type { Market } from "../http/target.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { MarketStream } from "./market-stream.js";
import { streamOfName } from "./stream-names.js";

/** Gets the messages of the streams that it has subscribed to. `combined` is the message with its stream's name around it. */
export interface StreamSink {
  message(data: string, combined: () => string): void;
}

interface Shared {
  readonly stream: MarketStream;
  readonly sinks: Set<StreamSink>;
}

/** The streams of one epoch that somebody hears: each is made once, whatever the number of sockets. */
export class StreamHub {
  readonly #epoch: PlayedEpoch;
  readonly #history: () => Promise<TradeHistory>;
  readonly #shared = new Map<string, Shared>();

  /** @param history of the epoch, as `StreamContext` has it */
  constructor(epoch: PlayedEpoch, history: () => Promise<TradeHistory>) {
    this.#epoch = epoch;
    this.#history = history;
  }

  /** Whether the venue has a stream of this name. */
  has(name: string, market: Market): boolean {
    return streamOfName(name, market, this.#epoch.symbol.symbol) !== undefined;
  }

  /** Adds a sink to a stream that the venue `has`. */
  subscribe(name: string, market: Market, sink: StreamSink): void {
    const key = `${market} ${name}`;
    const known = this.#shared.get(key);
    if (known !== undefined) {
      known.sinks.add(sink);
      return;
    }
    const make = streamOfName(name, market, this.#epoch.symbol.symbol);
    if (make === undefined) return;
    const sinks = new Set([sink]);
    const stream = make({
      epoch: this.#epoch,
      market,
      history: this.#history,
      send: (data) => tell(name, data, sinks),
    });
    this.#shared.set(key, { stream, sinks });
    this.#epoch.listeners.add(stream);
    this.#epoch.wake();
  }

  unsubscribe(name: string, market: Market, sink: StreamSink): void {
    const key = `${market} ${name}`;
    const shared = this.#shared.get(key);
    if (shared === undefined || !shared.sinks.delete(sink) || shared.sinks.size > 0) return;
    this.#shared.delete(key);
    this.#epoch.listeners.delete(shared.stream);
  }
}

// HOT: once per message of a stream.
function tell(name: string, data: string, sinks: ReadonlySet<StreamSink>): void {
  let text: string | undefined;
  const combined = (): string => {
    text ??= `{"stream":${JSON.stringify(name)},"data":${data}}`;
    return text;
  };
  for (const sink of sinks) sink.message(data, combined);
}
