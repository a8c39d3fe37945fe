import type { Frame, ServerMessage, SessionView } from "@tapedeck/protocol";
import { Connection, type ConnectionOptions } from "../connection/connection.js";
import type { ConnectionEnd } from "../connection/connection-machine.js";
import { TapedeckError } from "../errors.js";
import { FrameSequencer, isNewer, type Position } from "../frames/frame-sequencer.js";
import { RecentFrames } from "../frames/recent-frames.js";
import { PendingCommands } from "./pending-commands.js";
import { Rate } from "./rate.js";
import { type ConnectionState, type SessionEnd, SessionEvents } from "./session-events.js";

export interface SessionClientOptions extends Pick<ConnectionOptions, "WebSocket" | "rules" | "token"> {
  readonly view: SessionView;
  /** Addresses of gateways' sockets, without query. */
  readonly sockets: readonly string[];
  readonly position: Position | undefined;
}

export interface SessionStats {
  /** Frames delivered since the session was opened here. */
  readonly framesReceived: number;
  /** Frames of the tape that came merged into those. */
  readonly framesSkipped: number;
  /** Delivered in the last full second. */
  readonly framesPerSecond: number;
  /** Round trip over the socket in milliseconds; undefined before it was measured. */
  readonly latencyMs: number | undefined;
}

/** One session as it comes over the wire: what is known of it, what is on its way, and who is told. */
export class SessionClient {
  readonly events = new SessionEvents();
  readonly recent = new RecentFrames();
  /** Settles with the first message, or with the reason why there will be none. */
  readonly opened: Promise<void>;
  view: SessionView;
  node = "";
  state: ConnectionState = "connecting";
  ended: SessionEnd | undefined;
  readonly #sequencer: FrameSequencer;
  readonly #pending = new PendingCommands();
  readonly #connection: Connection;
  readonly #rate = new Rate();
  #received = 0;
  #skipped = 0;
  /**
   * What came before the caller of `open` could add a listener; undefined afterwards. Messages that arrive together are
   * handed on within one turn of the event loop, and the caller goes on only after it.
   */
  #early: ServerMessage[] | undefined = [];
  #release: ReturnType<typeof setTimeout> | undefined;
  #settleOpened: { resolve: () => void; reject: (error: TapedeckError) => void } | undefined;

  constructor({ view, sockets, position, ...transport }: SessionClientOptions) {
    this.view = view;
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
      framesReceived: this.#received,
      framesSkipped: this.#skipped,
      framesPerSecond: this.#rate.perSecond(performance.now()),
      latencyMs: this.#connection.latencyMs,
    };
  }

  /** Resolves once the cluster has carried the command out. */
  command(command: string, args: object = {}): Promise<SessionView> {
    if (this.ended) return Promise.reject(endError(this.ended));
    if (!this.#connection.isOpen) {
      const message = `There is no connection at the moment: ${command} was not sent.`;
      return Promise.reject(new TapedeckError("offline", message));
    }
    return this.#pending.add(command, (id) => this.#connection.send({ ...args, type: "command", id, command }));
  }

  close(): void {
    this.#connection.close();
  }

  #query(): string {
    const { position } = this.#sequencer;
    const query = new URLSearchParams({ session_id: this.view.session_id, create: "false" });
    if (position) {
      query.set("epoch", `${position.epoch}`);
      query.set("after", `${position.seq}`);
    }
    return query.toString();
  }

  #open(): void {
    this.state = "open";
    this.#settleOpened?.resolve();
    this.#release ??= setTimeout(() => this.#handOn(), 0);
    this.events.connection.emit({ connection: "open" });
  }

  #handOn(): void {
    clearTimeout(this.#release);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#take(message);
  }

  #lose(why: string, retryInMs: number): void {
    if (this.#early && this.state === "open") this.#handOn();
    if (this.state === "open") this.state = "reconnecting";
    this.#pending.interrupt();
    this.events.connection.emit({ connection: this.state, why, retryInMs });
  }

  #end(how: ConnectionEnd): void {
    clearTimeout(this.#release);
    // Frames that came before the end are delivered before it.
    if (how.reason !== "closed") this.#handOn();
    this.state = "closed";
    this.ended = endOf(how);
    this.#pending.interrupt();
    this.#settleOpened?.reject(endError(this.ended));
    this.events.connection.emit({ connection: "closed" });
    this.events.end.emit(this.ended);
    this.events.clear();
  }

  #receive(message: ServerMessage): void {
    if (this.#early && this.state !== "connecting") this.#early.push(message);
    else this.#take(message);
  }

  /** HOT: once per message. */
  #take(message: ServerMessage): void {
    if (this.ended) return; // a listener has left
    const delivery = this.#sequencer.receive(message);
    switch (delivery.what) {
      case "frames":
        for (const frame of delivery.frames) {
          if (this.ended) return;
          this.#deliver(frame, delivery.epoch);
        }
        return;
      case "history":
        this.recent.replace(delivery.history);
        this.events.history.emit(delivery.history);
        return;
      case "nothing":
        this.#hear(message);
    }
  }

  #deliver(frame: Frame, epoch: number): void {
    this.#sequencer.markDelivered(frame.seq, epoch);
    this.#received++;
    this.#skipped += frame.skipped ?? 0;
    this.#rate.count(performance.now());
    this.recent.add(frame, epoch);
    this.events.frame.emit(frame, { epoch });
  }

  #hear(message: ServerMessage): void {
    switch (message.type) {
      case "session":
        this.node = message.node;
        this.view = message.session;
        this.events.state.emit({ session: message.session, cause: "connected" });
        return;
      case "state":
        // While resuming, each epoch is headed by its state, also those that are over.
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
        this.events.trade.emit(message.data);
        return;
      case "lag": {
        const { type: _, ...lag } = message;
        this.events.lag.emit(lag);
      }
    }
  }
}

function endOf(how: ConnectionEnd): SessionEnd {
  if (how.reason === "refused")
    return { reason: "refused", error: new TapedeckError(refusalOf(how.code), how.message) };
  if (how.reason === "unreachable") {
    return { reason: "refused", error: new TapedeckError("unreachable", `No gateway lets us in: ${how.message}.`) };
  }
  return { reason: how.reason };
}

function endError({ reason, error }: SessionEnd): TapedeckError {
  if (error) return error;
  if (reason === "closed") return new TapedeckError("closed", "This session was closed here.");
  return new TapedeckError("SESSION_NOT_FOUND", "The session does not exist or has expired.");
}

/** Close codes and refusals say the same things in two ways. */
function refusalOf(closeCode: number): TapedeckError["code"] {
  if (closeCode === 4401) return "UNAUTHORIZED";
  if (closeCode === 4403) return "FORBIDDEN";
  if (closeCode === 1008) return "ORIGIN_NOT_ALLOWED";
  if (closeCode === 1009) return "BODY_TOO_LARGE";
  return "MALFORMED";
}
