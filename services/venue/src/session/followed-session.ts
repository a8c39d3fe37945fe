import { RefusedError, type StateCause, sessionNotFound } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import {
  decodeState,
  isSessionNotFound,
  movedTo,
  type PaceHead,
  type PresentSession,
  parseHead,
  readPace,
  type SessionRecord,
  type SessionService,
  type SessionStore,
  type StateHead,
  type SystemCommand,
} from "@tapedeck/sessions";

/** Learns of the session's changes. */
export interface SessionOwner {
  /** A newer record; `before` is undefined for the first one. */
  changed(record: SessionRecord, before: SessionRecord | undefined): void;
  /** In lossless pace, readers have moved the playhead within the revision. */
  moved(record: SessionRecord): void;
  /** The session was deleted or has expired. */
  ended(cause: "deleted" | "expired"): void;
}

export interface FollowContext {
  readonly store: Pick<SessionStore, "read" | "revision">;
  readonly sessions: Pick<SessionService, "perform">;
  readonly log: Logger;
}

type Revision = Pick<SessionRecord, "epoch" | "rev">;

/** How long to wait before reading a session again that could not be read. */
const rereadRetryMs = 50;

/** The record of one session, as its channel and Redis tell it to this node. The market that the session plays is the player's matter. */
export class FollowedSession implements PresentSession {
  readonly id: string;
  readonly channel: string;
  readonly subscribers = new Set<object>();
  reportedSockets = 0;
  readonly #owner: SessionOwner;
  readonly #context: FollowContext;
  #record: SessionRecord | undefined;
  #rereading: Promise<void> | undefined;
  #ended = false;

  constructor(id: string, channel: string, owner: SessionOwner, context: FollowContext) {
    this.id = id;
    this.channel = channel;
    this.#owner = owner;
    this.#context = { ...context, log: context.log.child({ session: id }) };
  }

  /** @throws if the session has not been read yet */
  get record(): SessionRecord {
    if (this.#record === undefined) throw new Error(`session ${this.id} was used before it was read`);
    return this.#record;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Reads the session for the first time, after its channel was subscribed. Rejects with `SESSION_NOT_FOUND` and `UNAVAILABLE`. */
  async open(): Promise<void> {
    const read = await this.#context.store.read(this.id);
    if (read === undefined) throw new RefusedError(sessionNotFound(this.id));
    this.#apply(read.record);
  }

  /** A message on the session's channel. Frames are of no interest: events come from the tape. */
  receive(message: Buffer): void {
    const head = parseHead(message);
    if (head === undefined || head.kind === "F") return;
    if (head.kind === "D") this.#receiveEnd(head);
    else if (head.kind === "P") this.#receivePace(head, message);
    else if (this.#record === undefined || isNewer(head, this.#record)) this.#receiveState(head, message);
  }

  /** The session as this node has written it. */
  learn(record: SessionRecord): void {
    this.#apply(record);
  }

  #receivePace(head: PaceHead, message: Buffer): void {
    const place = readPace(head, message);
    const record = this.#record;
    if (place === undefined || record?.rev !== head.rev || record.epoch !== head.epoch) return;
    if (place.seq <= record.anchorSeq) return;
    this.#record = movedTo(record, place);
    this.#owner.moved(this.#record);
  }

  #receiveState(head: StateHead, message: Buffer): void {
    try {
      this.#apply(decodeState(message.toString("latin1", head.body)));
    } catch (error) {
      this.#context.log.error({ err: error }, "state not readable, written by another release?");
    }
  }

  /** A deleted id may have been created again before this message arrives, and so may an expired one: then it is not the end. */
  #receiveEnd({ epoch, cause }: { readonly epoch: number; readonly cause: StateCause }): void {
    if (this.#record === undefined) return;
    if (cause !== "deleted") void this.reread();
    else if (epoch >= this.#record.epoch) this.end("deleted");
  }

  #apply(record: SessionRecord): void {
    const before = this.#record;
    if (this.#ended || (before !== undefined && !isNewer(record, before))) return;
    this.#record = record;
    this.#owner.changed(record, before);
    if (record.parked) this.unpark();
  }

  /** Learns of every change that was written by now, also of those whose messages are still on their way. Rejects with `UNAVAILABLE`. */
  async catchUp(): Promise<void> {
    const written = await this.#context.store.revision(this.id);
    // Another reading may have begun before that change.
    while (written !== undefined && !this.#ended && isNewer(written, this.record)) await this.reread();
  }

  /** Reads the session again, since a change may have been missed. Retries until it succeeds. */
  reread(): Promise<void> {
    this.#rereading ??= this.#reread().finally(() => {
      this.#rereading = undefined;
    });
    return this.#rereading;
  }

  async #reread(): Promise<void> {
    while (!this.#ended && this.#record !== undefined) {
      try {
        const seen = this.#record;
        const read = await this.#context.store.read(this.id);
        if (read === undefined) return this.end("expired");
        if (isNewer(seen, read.record)) await this.#recover(seen);
        else this.#apply(read.record);
        return;
      } catch (error) {
        if (isSessionNotFound(error)) return this.end("expired");
        this.#context.log.debug({ err: error }, "session not read, trying again");
        await new Promise((resolve) => setTimeout(resolve, rereadRetryMs).unref());
      }
    }
  }

  /** Redis has an older revision than bots have seen. A new epoch makes sure that no update id is given out twice. */
  async #recover({ epoch, rev }: Revision): Promise<void> {
    this.#context.log.warn({ epoch, rev }, "Redis lost a change: recovering");
    await this.perform({ type: "recover", epoch, rev });
  }

  /** Carries out a command of the system. @returns whether it changed the session */
  async perform(command: SystemCommand): Promise<boolean> {
    const { record, changed } = await this.#context.sessions.perform(this.id, command);
    this.#apply(record);
    return changed;
  }

  /** Starts the clock of a session that was parked because it had no clients. */
  unpark(): void {
    this.perform({ type: "unpark" }).catch((error) =>
      this.#context.log.warn({ err: error }, "session not unparked; it stands still until it changes or is read again"),
    );
  }

  end(cause: "deleted" | "expired"): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.ended(cause);
  }
}

function isNewer(a: Revision, b: Revision): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.rev > b.rev);
}
