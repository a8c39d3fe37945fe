import type { Frame, ServerMessage, SessionView } from "@tapedeck/protocol";
import { historyFrames } from "@tapedeck/protocol/wire";

/** Names a delivered frame for ever, and is enough to resume after it. */
export interface Position {
  readonly epoch: number;
  /** The last frame that was delivered; before the first one, its seq minus one. */
  readonly seq: number;
}

export interface History {
  readonly frames: readonly Frame[];
  readonly epoch: number;
  /** False when frames between the last delivered one and these are missing. */
  readonly complete: boolean;
}

/** What a server message means for the listeners. */
type Delivery =
  | { readonly kind: "frames"; readonly frames: readonly Frame[]; readonly epoch: number }
  | { readonly kind: "history"; readonly history: History }
  | { readonly kind: "none" };

const none: Delivery = { kind: "none" };

/** Delivers each (epoch, seq) once and in order, over all connections. No I/O. */
export class FrameSequencer {
  #position: Position | undefined;
  /** Of the last `session`, `state` or `history` message: the frames that follow belong to it. */
  #epoch = 0;
  /** The first `history` of a connection either replaces what is shown or continues it. Later ones always continue. */
  #hadHistory = false;
  #resuming = false;

  constructor(position?: Position) {
    this.#position = position;
  }

  /** Where to resume; undefined: at whatever the session shows to new viewers. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** A connection starts, with `position` as its resume token if there is one. */
  beginConnection(): void {
    this.#hadHistory = false;
    this.#resuming = this.#position !== undefined;
  }

  /** HOT: once per message. */
  receive(message: ServerMessage): Delivery {
    switch (message.type) {
      case "snapshot":
        return this.#isNew(message.seq, this.#epoch) ? this.#deliver([message], this.#epoch) : none;
      case "history":
        return this.#receiveHistory(message);
      case "session":
      case "state":
        this.#epoch = message.session.epoch;
        return none;
      default:
        return none;
    }
  }

  #receiveHistory({ data, epoch, complete }: Extract<ServerMessage, { type: "history" }>): Delivery {
    const replaces = !this.#hadHistory && !(this.#resuming && complete);
    this.#hadHistory = true;
    this.#epoch = epoch;
    if (!replaces) {
      return this.#deliver(
        data.filter(({ seq }) => this.#isNew(seq, epoch)),
        epoch,
      );
    }
    // An empty history means a session without a tape; any tape it gets later has a later epoch.
    this.#position = { epoch, seq: data.at(-1)?.seq ?? -1 };
    return { kind: "history", history: { frames: data, epoch, complete } };
  }

  #isNew(seq: number, epoch: number): boolean {
    const last = this.#position;
    return last === undefined || epoch > last.epoch || (epoch === last.epoch && seq > last.seq);
  }

  #deliver(frames: readonly Frame[], epoch: number): Delivery {
    return frames.length === 0 ? none : { kind: "frames", frames, epoch };
  }

  /** Called for each frame, so that the position is right when a listener closes the session between two frames. HOT. */
  markDelivered(seq: number, epoch: number): void {
    this.#position = { epoch, seq };
  }
}

/** Whether a view is later than another one of the same session. Epoch and rev only grow. */
export function isNewer(view: SessionView, than: SessionView): boolean {
  return view.epoch !== than.epoch ? view.epoch > than.epoch : view.rev > than.rev;
}

/** The newest frames of the current epoch, as many as a server's history has: the history for listeners that are added late. */
export class RecentFrames {
  #frames: Frame[] = [];
  #epoch = 0;
  #started = false;

  replace({ frames, epoch }: History): void {
    this.#frames = frames.slice(-historyFrames);
    this.#epoch = epoch;
    this.#started = true;
  }

  /** HOT: once per frame. */
  add(frame: Frame, epoch: number): void {
    if (epoch !== this.#epoch) this.replace({ frames: [], epoch, complete: true });
    this.#frames.push(frame);
    // Trimmed at twice the length, because each trim copies the array.
    if (this.#frames.length >= 2 * historyFrames) this.#frames = this.#frames.slice(-historyFrames);
  }

  /** Undefined before the first history. */
  history(): History | undefined {
    if (!this.#started) return undefined;
    return { frames: this.#frames.slice(-historyFrames), epoch: this.#epoch, complete: true };
  }
}
