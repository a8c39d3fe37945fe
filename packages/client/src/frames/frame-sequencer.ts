import type { Frame, ServerMessage, SessionView } from "@tapedeck/protocol";

/** Names a delivered frame for ever, and is all it takes to resume after it. */
export interface Position {
  readonly epoch: number;
  /** The last frame that was delivered; one below the first where none was. */
  readonly seq: number;
}

export interface History {
  readonly frames: readonly Frame[];
  readonly epoch: number;
  /** False where frames between those shown before and these are missing. */
  readonly complete: boolean;
}

/** What a message of the server means for those who watch. */
export type Delivery =
  | { readonly what: "frames"; readonly frames: readonly Frame[]; readonly epoch: number }
  | { readonly what: "history"; readonly history: History }
  | { readonly what: "nothing" };

const nothing: Delivery = { what: "nothing" };

/** Which frames have been delivered, over all connections: each (epoch, seq) once, in order. No I/O. */
export class FrameSequencer {
  #position: Position | undefined;
  /** That of the last `session`, `state` or `history`: frames belong to it. */
  #epoch = 0;
  /** The first `history` of a connection either replaces what is shown or goes on from it; others always go on. */
  #greeted = false;
  #resuming = false;

  constructor(position?: Position) {
    this.#position = position;
  }

  /** Where to go on; undefined: from whatever the session shows to a newcomer. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** A connection begins, with `position` as its resume token if there is one. */
  beginConnection(): void {
    this.#greeted = false;
    this.#resuming = this.#position !== undefined;
  }

  /** HOT: once per message. */
  receive(message: ServerMessage): Delivery {
    switch (message.type) {
      case "snapshot":
        return this.#isNew(message.seq, this.#epoch) ? this.#deliver([message], this.#epoch) : nothing;
      case "history":
        return this.#takeHistory(message);
      case "session":
      case "state":
        this.#epoch = message.session.epoch;
        return nothing;
      default:
        return nothing;
    }
  }

  #takeHistory({ data, epoch, complete }: Extract<ServerMessage, { type: "history" }>): Delivery {
    const replaces = !this.#greeted && !(this.#resuming && complete);
    this.#greeted = true;
    this.#epoch = epoch;
    if (!replaces) {
      return this.#deliver(
        data.filter(({ seq }) => this.#isNew(seq, epoch)),
        epoch,
      );
    }
    // Only a session without a tape has nothing to show: whatever tape it gets is a later epoch.
    this.#position = { epoch, seq: data.at(-1)?.seq ?? -1 };
    return { what: "history", history: { frames: data, epoch, complete } };
  }

  #isNew(seq: number, epoch: number): boolean {
    const last = this.#position;
    return last === undefined || epoch > last.epoch || (epoch === last.epoch && seq > last.seq);
  }

  #deliver(frames: readonly Frame[], epoch: number): Delivery {
    return frames.length === 0 ? nothing : { what: "frames", frames, epoch };
  }

  /** Frames are marked one by one, so that whoever leaves in the middle of several knows where they were. HOT. */
  markDelivered(seq: number, epoch: number): void {
    this.#position = { epoch, seq };
  }
}

/** Whether a view tells of a later change of the session than another one. Both numbers only grow. */
export function isNewer(view: SessionView, than: SessionView): boolean {
  return view.epoch !== than.epoch ? view.epoch > than.epoch : view.rev > than.rev;
}
