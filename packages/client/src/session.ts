import type { Frame, SessionView, StepBy, TradeEvent } from "@tapedeck/protocol";
import {
  fieldsOf,
  type ModeChoice,
  type OrderChoice,
  type Place,
  placeBody,
  type RangeChoice,
  rangeBody,
} from "./choices.js";
import { type Duration, millisOf } from "./duration.js";
import { FrameQueue } from "./frame-queue.js";
import type { History, Position } from "./playback.js";
import type {
  ConnectionChange,
  ConnectionState,
  Feed,
  Lag,
  Notice,
  SessionEnd,
  StateChange,
} from "./session-events.js";
import type { SessionLine, SessionStats } from "./session-line.js";

/**
 * A deck of one's own: its buttons, its frames, and news of it. It comes back by itself when the connection is lost, and goes
 * on with the frame after the last one delivered. A command resolves with the session once the cluster has carried it
 * out, and rejects with a `TapedeckError` whose `code` says why it was not.
 */
export class Session {
  readonly #line: SessionLine;

  /** @internal */
  constructor(line: SessionLine) {
    this.#line = line;
  }

  get id(): string {
    return this.#line.view.session_id;
  }
  /** The session as last heard of. Its times and playhead are of that moment. */
  get view(): SessionView {
    return this.#line.view;
  }
  /** Of the last frame delivered here. Passed to `join`, here or anywhere, it goes on with the frame after it. */
  get position(): Position {
    return this.#line.position;
  }
  get connection(): ConnectionState {
    return this.#line.state;
  }
  /** The gateway that serves this connection. */
  get node(): string {
    return this.#line.node;
  }
  get stats(): SessionStats {
    return this.#line.stats;
  }
  /** How it ended; undefined while it has not. */
  get ended(): SessionEnd | undefined {
    return this.#line.ended;
  }

  /** Plays from the playhead; from the start of the range when STOPPED, from the edge in LIVE. */
  start(): Promise<SessionView> {
    return this.#line.command("start");
  }
  pause(): Promise<SessionView> {
    return this.#line.command("pause");
  }
  resume(): Promise<SessionView> {
    return this.#line.command("resume");
  }
  /** Back to the start, at rest. */
  stop(): Promise<SessionView> {
    return this.#line.command("stop");
  }
  /** @param value seconds of tape per second, 0.1 to 1000 */
  speed(value: number): Promise<SessionView> {
    return this.#line.command("speed", { value });
  }
  /** Jumps; the frame at the new place is delivered, also when paused. */
  async seek(place: Place): Promise<SessionView> {
    return this.#line.command("seek", placeBody(place));
  }
  /** Goes back by tape time, to the start at most: `rewind({ by: "15m" })`. */
  async rewind(choice: { readonly by: Duration }): Promise<SessionView> {
    return this.#line.command("goback", { seconds: millisOf("by", fieldsOf("rewind", choice).by) / 1000 });
  }
  /** Pauses and moves by frames, or by milliseconds of tape; either may be negative. */
  step(by: StepBy): Promise<SessionView> {
    return this.#line.command("step", by);
  }
  /** Plays only a part, once or for ever. A field that is not named stays as it is; null takes it back. */
  async range(choice: RangeChoice): Promise<SessionView> {
    return this.#line.command("range", rangeBody(choice));
  }
  /** In LIVE: to the edge. */
  live(): Promise<SessionView> {
    return this.#line.command("live");
  }
  /**
   * To another tape, a live market, or a simulated one. Without a source: back to what the session played in that mode, as it was
   * left (`view.kept_modes`). The present mode without a source, or with its own, changes nothing.
   */
  mode(choice: ModeChoice): Promise<SessionView> {
    return this.#line.command("mode", choice);
  }
  /** In SIMULATION, while it plays: an order at market. `onTrade` tells of its fill. */
  order(choice: OrderChoice): Promise<SessionView> {
    return this.#line.command("order", choice);
  }

  /**
   * Each frame once, in order, over all connections. Within an epoch `seq` grows; a new epoch is a jump. What was
   * missed while the connection was away comes here, too.
   *
   * @returns the undo, as that of every `on...`
   */
  onFrame(listener: (frame: Frame, of: { readonly epoch: number }) => void): () => void {
    return this.#line.events.frame.add(listener);
  }

  /**
   * Frames from before those that `onFrame` tells of, at most 100, to replace what is shown: at the beginning, and with
   * `complete: false` when too much was missed to go on without a hole. A listener that comes later is told at once
   * what has come so far.
   */
  onHistory(listener: (history: History) => void): () => void {
    const undo = this.#line.events.history.add(listener);
    const sofar = this.#line.recent.history();
    if (sofar) listener(sofar);
    return undo;
  }

  /** The session changed, whoever changed it; and as it was found whenever a connection was made. */
  onState(listener: (change: StateChange) => void): () => void {
    return this.#line.events.state.add(listener);
  }
  /** The market that LIVE shows is connecting, up, or down. */
  onFeed(listener: (feed: Feed) => void): () => void {
    return this.#line.events.feed.add(listener);
  }
  /** An order of this session was filled. */
  onTrade(listener: (fill: TradeEvent) => void): () => void {
    return this.#line.events.trade.add(listener);
  }
  /** This program reads too slowly, so frames came merged. */
  onLag(listener: (lag: Lag) => void): () => void {
    return this.#line.events.lag.add(listener);
  }
  /** The cluster has something to say that answers no command, such as that a part of the tape is damaged. */
  onNotice(listener: (notice: Notice) => void): () => void {
    return this.#line.events.notice.add(listener);
  }
  onConnection(listener: (change: ConnectionChange) => void): () => void {
    return this.#line.events.connection.add(listener);
  }
  /** The last event: nothing comes after it, and nothing is left running. */
  onEnd(listener: (end: SessionEnd) => void): () => void {
    return this.#line.events.end.add(listener);
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
    this.#line.close();
  }
}
