import type { Frame, SessionView, StepBy, TradeEvent } from "@tapedeck/protocol";
import { type Duration, millisOf } from "../duration.js";
import { FrameQueue } from "../frames/frame-queue.js";
import type { History, Position } from "../frames/frame-sequencer.js";
import {
  type ModeOptions,
  type OrderOptions,
  type RangeOptions,
  rangeBody,
  requireObject,
  type SeekPlace,
  seekBody,
} from "../options.js";
import type { SessionClient, SessionStats } from "./session-client.js";
import type {
  ConnectionChange,
  ConnectionState,
  Feed,
  Lag,
  Notice,
  SessionEnd,
  StateChange,
} from "./session-events.js";

/**
 * A deck of one's own: its buttons, its frames, and news of it. It comes back by itself when the connection is lost, and goes
 * on with the frame after the last one delivered. A command resolves with the session once the cluster has carried it
 * out, and rejects with a `TapedeckError` whose `code` says why it was not.
 */
export class Session {
  readonly #client: SessionClient;

  /** @internal */
  constructor(client: SessionClient) {
    this.#client = client;
  }

  get id(): string {
    return this.#client.view.session_id;
  }
  /** The session as last heard of. Its times and playhead are of that moment. */
  get view(): SessionView {
    return this.#client.view;
  }
  /** Of the last frame delivered here. Passed to `join`, here or anywhere, it goes on with the frame after it. */
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
  /** How it ended; undefined while it has not. */
  get ended(): SessionEnd | undefined {
    return this.#client.ended;
  }

  /** Plays from the playhead; from the start of the range when STOPPED, from the edge in LIVE. */
  start(): Promise<SessionView> {
    return this.#client.command("start");
  }
  pause(): Promise<SessionView> {
    return this.#client.command("pause");
  }
  resume(): Promise<SessionView> {
    return this.#client.command("resume");
  }
  /** Back to the start, at rest. */
  stop(): Promise<SessionView> {
    return this.#client.command("stop");
  }
  /** @param value seconds of tape per second, 0.1 to 1000 */
  speed(value: number): Promise<SessionView> {
    return this.#client.command("speed", { value });
  }
  /** Jumps; the frame at the new place is delivered, also when paused. */
  async seek(place: SeekPlace): Promise<SessionView> {
    return this.#client.command("seek", seekBody(place));
  }
  /** Goes back by tape time, to the start at most: `rewind({ by: "15m" })`. */
  async rewind(choice: { readonly by: Duration }): Promise<SessionView> {
    return this.#client.command("goback", { seconds: millisOf("by", requireObject("rewind", choice).by) / 1000 });
  }
  /** Pauses and moves by frames, or by milliseconds of tape; either may be negative. */
  step(by: StepBy): Promise<SessionView> {
    return this.#client.command("step", by);
  }
  /** Plays only a part, once or for ever. A field that is not named stays as it is; null takes it back. */
  async range(choice: RangeOptions): Promise<SessionView> {
    return this.#client.command("range", rangeBody(choice));
  }
  /** In LIVE: to the edge. */
  live(): Promise<SessionView> {
    return this.#client.command("live");
  }
  /**
   * To another tape, a live market, or a simulated one. Without a source: back to what the session played in that mode, as it was
   * left (`view.kept_modes`). The present mode without a source, or with its own, changes nothing.
   */
  mode(choice: ModeOptions): Promise<SessionView> {
    return this.#client.command("mode", choice);
  }
  /** In SIMULATION, while it plays: an order at market. `onTrade` tells of its fill. */
  order(choice: OrderOptions): Promise<SessionView> {
    return this.#client.command("order", choice);
  }

  /**
   * Each frame once, in order, over all connections. Within an epoch `seq` grows; a new epoch is a jump. What was
   * missed while the connection was away comes here, too.
   *
   * @returns the undo, as that of every `on...`
   */
  onFrame(listener: (frame: Frame, of: { readonly epoch: number }) => void): () => void {
    return this.#client.events.frame.add(listener);
  }

  /**
   * Frames from before those that `onFrame` tells of, at most 100, to replace what is shown: at the beginning, and with
   * `complete: false` when too much was missed to go on without a hole. A listener that comes later is told at once
   * what has come so far.
   */
  onHistory(listener: (history: History) => void): () => void {
    const undo = this.#client.events.history.add(listener);
    const sofar = this.#client.recent.history();
    if (sofar) listener(sofar);
    return undo;
  }

  /** The session changed, whoever changed it; and as it was found whenever a connection was made. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#client.events.state.add(listener);
  }
  /** The market that LIVE shows is connecting, up, or down. */
  onFeed(listener: (feed: Feed) => void): () => void {
    return this.#client.events.feed.add(listener);
  }
  /** An order of this session was filled. */
  onTrade(listener: (fill: TradeEvent) => void): () => void {
    return this.#client.events.trade.add(listener);
  }
  /** This program reads too slowly, so frames came merged. */
  onLag(listener: (lag: Lag) => void): () => void {
    return this.#client.events.lag.add(listener);
  }
  /** The cluster has something to say that answers no command, such as that a part of the tape is damaged. */
  onNotice(listener: (notice: Notice) => void): () => void {
    return this.#client.events.notice.add(listener);
  }
  onConnection(listener: (change: ConnectionChange) => void): () => void {
    return this.#client.events.connection.add(listener);
  }
  /** The last event: nothing comes after it, and nothing is left running. */
  onEnd(listener: (end: SessionEnd) => void): () => void {
    return this.#client.events.end.add(listener);
  }

  /**
   * The frames from now on: `for await (const frame of session.frames())`. The loop ends with the session, or when `signal`
   * aborts; it throws when the session is refused, and when it is 10,000 frames behind.
   */
  frames({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<Frame> {
    const undo = [this.onFrame((frame) => queue.push(frame)), this.onEnd(({ error }) => queue.end(error))];
    const stop = () => queue.end();
    const queue = new FrameQueue(() => {
      for (const take of undo) take();
      signal?.removeEventListener("abort", stop);
    });
    signal?.addEventListener("abort", stop);
    if (this.ended) queue.end(this.ended.error);
    if (signal?.aborted) queue.end();
    return queue;
  }

  /** Leaves. The session goes on without this viewer, until its time runs out. */
  close(): void {
    this.#client.close();
  }
}
