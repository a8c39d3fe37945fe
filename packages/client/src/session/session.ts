import type { Frame, SessionFill, SessionOrder, SessionView, StepBy, TradeEvent } from "@tapedeck/protocol";
import { FrameQueue } from "../frames/frame-queue.js";
import type { History, Position } from "../frames/frame-sequencer.js";
import {
  type Duration,
  durationMs,
  type ModeOptions,
  type OrderOptions,
  type PaceOptions,
  type RangeOptions,
  rangeBody,
  requireObject,
  type SeekPlace,
  seekBody,
} from "../options.js";
import type { Trading } from "../trading/trading.js";
import type { SessionClient } from "./session-client.js";
import type {
  ConnectionChange,
  ConnectionState,
  Feed,
  FrameListener,
  Lag,
  Notice,
  SessionEnd,
  StateChange,
} from "./session-events.js";
import type { SessionStats } from "./session-stats.js";

/**
 * One session: its commands, its frames and its events. After a lost connection it reconnects by itself and continues with the
 * frame after the last delivered one. A command resolves with the session's view once the cluster has carried it out, and
 * rejects with a `TapedeckError` whose `code` says why it was not.
 */
export class Session {
  /** Its orders on the tape, its fills and its account; `onOrder` and `onFill` tell of them. */
  readonly trading: Trading;
  readonly #client: SessionClient;

  /** @internal */
  constructor(client: SessionClient, trading: Trading) {
    this.#client = client;
    this.trading = trading;
  }

  get id(): string {
    return this.#client.view.session_id;
  }
  /** The last view that arrived. Its times and playhead are from that moment. */
  get view(): SessionView {
    return this.#client.view;
  }
  /** Of the last delivered frame. `join` with it continues with the next frame, in this program or another. */
  get position(): Position {
    return this.#client.position;
  }
  get connection(): ConnectionState {
    return this.#client.state;
  }
  /** The gateway that serves this connection. */
  get node(): string {
    return this.#client.node;
  }
  get stats(): SessionStats {
    return this.#client.stats;
  }
  /** How it ended; undefined until then. */
  get ended(): SessionEnd | undefined {
    return this.#client.ended;
  }

  /** Plays from the playhead; when STOPPED from the start of the range; in LIVE from the edge. */
  start(): Promise<SessionView> {
    return this.#client.command("start");
  }
  pause(): Promise<SessionView> {
    return this.#client.command("pause");
  }
  resume(): Promise<SessionView> {
    return this.#client.command("resume");
  }
  /** Stops and returns to the start. */
  stop(): Promise<SessionView> {
    return this.#client.command("stop");
  }
  /** @param value seconds of tape per second, 0.1 to 1000 */
  speed(value: number): Promise<SessionView> {
    return this.#client.command("speed", { value });
  }
  /**
   * `lossless`: the playhead waits for the slowest program that was opened to acknowledge frames; at most at `speed`, or as fast as they can (`max`,
   * the default). They may be given `window` frames ahead (1 to 1,000; 1 by default). `clock`: as usual.
   */
  async pace(options: PaceOptions): Promise<SessionView> {
    return this.#client.command("pace", requireObject("pace", options));
  }
  /** Jumps. The frame at the new place is delivered, also while paused. */
  async seek(place: SeekPlace): Promise<SessionView> {
    return this.#client.command("seek", seekBody(place));
  }
  /** Goes back by tape time, at most to the start: `rewind({ by: "15m" })`. */
  async rewind(options: { readonly by: Duration }): Promise<SessionView> {
    return this.#client.command("goback", { seconds: durationMs("by", requireObject("rewind", options).by) / 1000 });
  }
  /** Pauses and moves by frames or by milliseconds of tape; negative values go back. */
  step(by: StepBy): Promise<SessionView> {
    return this.#client.command("step", by);
  }
  /** Limits playback to a part of the tape, once or in a loop. Fields that are left out stay; null removes a limit. */
  async range(options: RangeOptions): Promise<SessionView> {
    return this.#client.command("range", rangeBody(options));
  }
  /** In LIVE: jumps to the edge. */
  live(): Promise<SessionView> {
    return this.#client.command("live");
  }
  /**
   * Switches to another tape, a live market or a simulated one. Without a source it returns to what the session last played in
   * that mode (`view.kept_modes`). The current mode without a source, or with the current one, changes nothing.
   */
  mode(options: ModeOptions): Promise<SessionView> {
    return this.#client.command("mode", options);
  }
  /** In SIMULATION, while it plays: a market order with an account of its own. `onTrade` reports its fill. `trading` has orders of all types, on all tapes. */
  order(options: OrderOptions): Promise<SessionView> {
    return this.#client.command("order", options);
  }

  /**
   * Each frame once and in order, over all connections. Within an epoch `seq` grows; a new epoch is a jump. Frames missed while
   * the connection was down arrive here, too. In lossless pace, if this program was opened to acknowledge frames, the playhead waits until all listeners
   * have returned, and what they returned has settled.
   *
   * @returns a function that removes the listener, as every `on...` does
   */
  onFrame(listener: FrameListener): () => void {
    return this.#client.events.frame.add(listener);
  }

  /**
   * Up to 100 frames that precede those of `onFrame` and replace what is shown: at the start, and with `complete: false` when
   * too many frames were missed to continue without a gap. A listener that is added later is called at once with the latest
   * frames.
   */
  onHistory(listener: (history: History) => void): () => void {
    const remove = this.#client.events.history.add(listener);
    const history = this.#client.recent.history();
    if (history) listener(history);
    return remove;
  }

  /** The session changed, by any client or by the cluster. Also called with the current state whenever a connection opens. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#client.events.state.add(listener);
  }
  /** The status of the feed behind LIVE: connecting, up or down. */
  onFeed(listener: (feed: Feed) => void): () => void {
    return this.#client.events.feed.add(listener);
  }
  /** An order of `trading` changed: how it is now. Before the frame with which it happened. */
  onOrder(listener: (order: SessionOrder) => void): () => void {
    return this.#client.events.order.add(listener);
  }
  /** Such an order was filled, partly or whole: called before `onOrder`. */
  onFill(listener: (fill: SessionFill) => void): () => void {
    return this.#client.events.fill.add(listener);
  }
  /** An order of `order()`, which moves its simulated market, was filled. */
  onTrade(listener: (fill: TradeEvent) => void): () => void {
    return this.#client.events.trade.add(listener);
  }
  /** This program reads too slowly, so frames were merged. */
  onLag(listener: (lag: Lag) => void): () => void {
    return this.#client.events.lag.add(listener);
  }
  /** A message from the cluster that answers no command, for example that a part of the tape is damaged. */
  onNotice(listener: (notice: Notice) => void): () => void {
    return this.#client.events.notice.add(listener);
  }
  onConnection(listener: (change: ConnectionChange) => void): () => void {
    return this.#client.events.connection.add(listener);
  }
  /** The last event. Nothing is left running after it. */
  onEnd(listener: (end: SessionEnd) => void): () => void {
    return this.#client.events.end.add(listener);
  }

  /**
   * Frames from now on: `for await (const frame of session.frames())`. The loop ends with the session, or when `signal` aborts.
   * A frame counts as handled when the loop asks for the next one. It throws when the session is refused, and when the reader is 10,000 frames behind.
   */
  frames({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<Frame> {
    const push = (frame: Frame) => (this.#client.acknowledges ? queue.pushAndWait(frame) : queue.push(frame));
    const removals = [this.onFrame(push), this.onEnd(({ error }) => queue.end(error))];
    const stop = () => queue.end();
    const queue = new FrameQueue(() => {
      for (const remove of removals) remove();
      signal?.removeEventListener("abort", stop);
    });
    signal?.addEventListener("abort", stop);
    if (this.ended) queue.end(this.ended.error);
    if (signal?.aborted) queue.end();
    return queue;
  }

  /** Disconnects. The session continues without this viewer until its TTL ends. */
  close(): void {
    this.#client.close();
  }
}
