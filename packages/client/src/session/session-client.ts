import type { Frame, ServerMessage, SessionView } from "@tapedeck/protocol";
import { Connection, type ConnectionOptions } from "../connection/connection.js";
import type { ConnectionEnd } from "../connection/connection-machine.js";
import { TapedeckError } from "../errors.js";
import { FrameSequencer, isNewer, type Position, RecentFrames } from "../frames/frame-sequencer.js";
import { Acknowledger } from "./acknowledger.js";
import { PendingCommands } from "./pending-commands.js";
import { type ConnectionState, type SessionEnd, SessionEvents } from "./session-events.js";
import { FrameCounter, type SessionStats } from "./session-stats.js";

interface SessionClientOptions extends Pick<ConnectionOptions, "WebSocket" | "rules" | "token"> {
  readonly view: SessionView;
  /** URLs of the gateways' sockets, without query. */
  readonly sockets: readonly string[];
  readonly position: Position | undefined;
  /** In lossless pace the session waits for this program. */
  readonly acknowledges?: boolean;
}

/** What is behind a `Session`: its connection, its view, pending commands and listeners. */
export class SessionClient {
  readonly events = new SessionEvents();
  readonly recent = new RecentFrames();
  /** Resolves with the first message; rejects when there will be none. */
  readonly opened: Promise<void>;
  view: SessionView;
  node = "";
  state: ConnectionState = "connecting";
  ended: SessionEnd | undefined;
  readonly #sequencer: FrameSequencer;
  readonly #pending = new PendingCommands();
  readonly #connection: Connection;
  readonly #counter = new FrameCounter();
  /** Undefined: this program only watches. */
  readonly #acknowledger: Acknowledger | undefined;
  /**
   * Messages that arrived before the caller of `open` could add a listener; undefined afterwards. Messages that arrive together
   * are handled within one turn of the event loop, and the caller continues only after it.
   */
  #early: ServerMessage[] | undefined = [];
  /** What happened to orders with the next frame. */
  #ofOrders: Extract<ServerMessage, { type: "order" | "trade_event" }>[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #settleOpened: { resolve: () => void; reject: (error: TapedeckError) => void } | undefined;

  constructor({ view, sockets, position, acknowledges = false, ...transport }: SessionClientOptions) {
    this.view = view;
    this.#acknowledger = acknowledges ? new Acknowledger((done) => this.#acknowledge(done)) : undefined;
    this.#sequencer = new FrameSequencer(position);
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    this.#connection = new Connection({
      ...transport,
      onDial: (address) => {
        this.#sequencer.beginConnection();
        return `${sockets[address]}?${this.#query()}`;
      },
      onMessage: (message) => this.#receive(message),
      onOpen: () => this.#open(),
      onLost: (why, retryInMs) => this.#lose(why, retryInMs),
      onEnd: (end) => this.#end(end),
    });
  }

  get position(): Position {
    return this.#sequencer.position ?? { epoch: this.view.epoch, seq: -1 };
  }

  get stats(): SessionStats {
    return {
      framesReceived: this.#counter.received,
      framesSkipped: this.#counter.skipped,
      framesPerSecond: this.#counter.perSecond(performance.now()),
      latencyMs: this.#connection.latencyMs,
    };
  }

  /** Resolves once the cluster has carried out the command. */
  command(command: string, args: object = {}): Promise<SessionView> {
    if (this.ended) return Promise.reject(endError(this.ended));
    if (!this.#connection.isOpen) {
      return Promise.reject(new TapedeckError("offline", `There is no connection: ${command} was not sent.`));
    }
    return this.#pending.add(command, (id) => this.#connection.send({ ...args, type: "command", id, command }));
  }

  /** Whether `frames()` has to say when a frame was handled. */
  get acknowledges(): boolean {
    return this.#acknowledger !== undefined;
  }

  close(): void {
    this.#connection.close();
  }

  #acknowledge({ epoch, seq }: Position): void {
    // What is not sent now is repeated by the next connection.
    if (this.#connection.isOpen) this.#connection.send({ type: "ack_frame", epoch, seq });
  }

  #query(): string {
    const { position } = this.#sequencer;
    const query = new URLSearchParams({ session_id: this.view.session_id, create: "false" });
    if (position) {
      query.set("epoch", `${position.epoch}`);
      query.set("after", `${position.seq}`);
    }
    if (this.#acknowledger) {
      const { name, handled } = this.#acknowledger;
      query.set("reader", name);
      // Listeners may still work on the last frames that were delivered.
      if (position && handled?.epoch === position.epoch) query.set("acked", `${handled.seq}`);
    }
    return query.toString();
  }

  #open(): void {
    this.state = "open";
    this.#settleOpened?.resolve();
    this.#flushTimer ??= setTimeout(() => this.#flushEarly(), 0);
    this.events.connection.emit({ connection: "open" });
    this.#acknowledger?.repeat();
  }

  #flushEarly(): void {
    clearTimeout(this.#flushTimer);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#handle(message);
  }

  #lose(why: string, retryInMs: number): void {
    if (this.#early && this.state === "open") this.#flushEarly();
    this.#ofOrders = [];
    if (this.state === "open") this.state = "reconnecting";
    this.#pending.interrupt();
    this.events.connection.emit({ connection: this.state, why, retryInMs });
  }

  #end(how: ConnectionEnd): void {
    clearTimeout(this.#flushTimer);
    this.#acknowledger?.stop();
    // Frames that arrived before the end are delivered before it.
    if (how.reason !== "closed") this.#flushEarly();
    this.state = "closed";
    this.ended = sessionEnd(how);
    this.#pending.interrupt();
    this.#settleOpened?.reject(endError(this.ended));
    this.events.connection.emit({ connection: "closed" });
    this.events.end.emit(this.ended);
    this.events.clear();
  }

  #receive(message: ServerMessage): void {
    if (this.#early && this.state !== "connecting") this.#early.push(message);
    else this.#handle(message);
  }

  /** HOT: once per message. */
  #handle(message: ServerMessage): void {
    if (this.ended) return; // a listener closed the session
    const delivery = this.#sequencer.receive(message);
    switch (delivery.kind) {
      case "frames":
        if (delivery.frames.length > 0) this.#tellOfOrders();
        for (const frame of delivery.frames) {
          if (this.ended) return;
          this.#deliver(frame, delivery.epoch);
        }
        return;
      case "history":
        this.#tellOfOrders();
        this.recent.replace(delivery.history);
        this.#handled(this.events.history.emit(delivery.history));
        return;
      case "none":
        this.#handleOther(message);
    }
  }

  /** What belongs to the frame that follows. Emitted with it: if the connection breaks before it comes, it comes again with it. */
  #tellOfOrders(): void {
    const messages = this.#ofOrders;
    if (messages.length === 0) return;
    this.#ofOrders = [];
    for (const { type, data } of messages) {
      if (type === "order") this.events.order.emit(data);
      else if ("fill_id" in data) this.events.fill.emit(data);
    }
  }

  #deliver(frame: Frame, epoch: number): void {
    this.#sequencer.markDelivered(frame.seq, epoch);
    this.#counter.count(frame.skipped ?? 0, performance.now());
    this.recent.add(frame, epoch);
    this.#handled(this.events.frame.emit(frame, { epoch }));
  }

  /** HOT: the last frame that was delivered is handled when this work is done. */
  #handled(work: readonly PromiseLike<unknown>[]): void {
    if (this.#acknowledger) this.#acknowledger.delivered(this.position, work, this.view.pace?.window ?? 1);
  }

  #handleOther(message: ServerMessage): void {
    switch (message.type) {
      case "session":
        this.node = message.node;
        this.view = message.session;
        this.events.state.emit({ session: message.session, cause: "connected" });
        return;
      case "state":
        // A resume replays the state message of each epoch, also of past ones.
        if (isNewer(this.view, message.session)) return;
        this.view = message.session;
        this.events.state.emit({ session: message.session, cause: message.cause });
        return;
      case "ack":
        if (!isNewer(this.view, message.session)) this.view = message.session;
        this.#pending.settle(message.id, message.session);
        return;
      case "error": {
        const { id, code, message: text } = message;
        if (id === undefined) this.events.notice.emit({ code, message: text });
        else this.#pending.settle(id, new TapedeckError(code, text));
        return;
      }
      case "feed": {
        const { type: _, ...feed } = message;
        this.events.feed.emit(feed);
        return;
      }
      case "trade_event":
        if ("fill_id" in message.data) this.#ofOrders.push(message);
        else this.events.trade.emit(message.data);
        return;
      case "order":
        this.#ofOrders.push(message);
        return;
      case "lag": {
        const { type: _, ...lag } = message;
        this.events.lag.emit(lag);
      }
    }
  }
}

function sessionEnd(how: ConnectionEnd): SessionEnd {
  if (how.reason === "refused") {
    return { reason: "refused", error: new TapedeckError(refusalOf(how.code), how.message) };
  }
  if (how.reason === "unreachable") {
    return { reason: "refused", error: new TapedeckError("unreachable", `No gateway answers: ${how.message}.`) };
  }
  return { reason: how.reason };
}

function endError({ reason, error }: SessionEnd): TapedeckError {
  if (error) return error;
  if (reason === "closed") return new TapedeckError("closed", "The session was closed here.");
  return new TapedeckError("SESSION_NOT_FOUND", "The session does not exist or has expired.");
}

/** The refusal code that means the same as a close code. */
function refusalOf(closeCode: number): TapedeckError["code"] {
  if (closeCode === 4401) return "UNAUTHORIZED";
  if (closeCode === 4403) return "FORBIDDEN";
  if (closeCode === 1008) return "ORIGIN_NOT_ALLOWED";
  if (closeCode === 1009) return "BODY_TOO_LARGE";
  return "MALFORMED";
}
