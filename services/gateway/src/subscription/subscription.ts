import type { Command, FeedStatus, StateCause, WallMs } from "@tapedeck/protocol";
import { type Logger, traceparent } from "@tapedeck/runtime";
import {
  type CommandResult,
  decodeState,
  type FrameHead,
  isMoving,
  isSessionNotFound,
  isSystemCommand,
  movedTo,
  type PacedPlace,
  type PaceHead,
  parseHead,
  type Requester,
  readPace,
  type SessionRecord,
  type StateHead,
  type StoredSession,
  type SystemCommand,
  systemCauses,
  traceOf,
} from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import { dueFrame } from "../covering/due-frame.js";
import { PacedPlayback, type PacedSession } from "../pacing/paced-playback.js";
import { Delivery } from "./delivery.js";
import {
  contradicts,
  cursorOf,
  decideDelivery,
  deliverableSeq,
  isNewer,
  latestFrame,
  latestRevision,
  type Revision,
} from "./delivery-rule.js";
import { Interruptions } from "./interruptions.js";
import { LiveEdge, type LiveEdgeOwner } from "./live-edge.js";
import { notificationsFor } from "./notifications.js";
import type { PlaybackSegment } from "./playback-segment.js";
import { SegmentOpener } from "./segment-opener.js";
import { feedMessage } from "./session-messages.js";
import type { SubscriptionContext } from "./subscription-context.js";

/** The newest known record of the session, and what its frames come from. */
interface Current {
  readonly record: SessionRecord;
  /** When this node learned of it, on the monotonic clock. */
  readonly since: number;
  readonly segment: PlaybackSegment | Promise<PlaybackSegment>;
}

/** How long to wait before reading a session again that could not be read; its viewers stand until then. */
const rereadRetryMs = 50;

/**
 * This node's subscription to one session, shared by all sockets here on that session. It follows the session's changes, wherever
 * they come from (its channel, Redis, commands here, the feed), and passes them on to its subscribers in step with the frames.
 */
export class SessionSubscription implements LiveEdgeOwner, PacedSession {
  readonly id: string;
  readonly channel: string;
  readonly subscribers: Delivery["subscribers"];
  readonly interruptions = new Interruptions();
  /** Those of its sockets that acknowledge frames. */
  readonly pacing: PacedPlayback;
  /** Open sockets, and upgrades under way, that need this subscription. */
  references = 0;
  /** This node's sockets that Redis counts. */
  reportedSockets = 0;
  #socketsElsewhere = 0;
  /** Resolves when the session has been read. */
  ready: Promise<void> = Promise.resolve();
  readonly #context: SubscriptionContext;
  readonly #log: Logger;
  readonly #segments: SegmentOpener;
  readonly #edge: LiveEdge;
  readonly #delivery: Delivery;
  #current: Current | undefined;
  /** The newest frame from a revision that is not known yet. */
  #earlyFrame: FrameHead | undefined;
  /** What came before the session was read for the first time. */
  #earlyState: { readonly record: SessionRecord; readonly cause: StateCause } | undefined;
  #earlyEnd = false;
  #rereading: Promise<void> | undefined;
  #ended = false;

  constructor(id: string, channel: string, context: SubscriptionContext) {
    this.id = id;
    this.channel = channel;
    this.#context = context;
    this.#log = context.log.child({ session: id });
    this.#segments = new SegmentOpener(context.tapes, this.#log);
    this.#edge = new LiveEdge(this, context.edge);
    this.#delivery = new Delivery(id, context);
    this.pacing = new PacedPlayback(this, context.pacing);
    this.subscribers = this.#delivery.subscribers;
  }

  /** All frames of the epoch up to this one may be sent to clients. */
  get lastSeq(): Seq {
    return this.#delivery.cursor.lastSeq;
  }

  /** Sockets on this session in the whole cluster, as far as this node knows. */
  get connections(): number {
    return this.subscribers.size + this.#socketsElsewhere;
  }

  /** @param total sockets on all nodes, as Redis counts them */
  setTotalConnections(total: number): void {
    this.#socketsElsewhere = Math.max(0, total - this.reportedSockets);
  }

  /** The session was deleted or has expired. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the session has been read. */
  get opened(): boolean {
    return this.#current !== undefined;
  }

  get record(): SessionRecord {
    return this.#known().record;
  }

  /** Undefined before the session has been read. */
  get known(): Pick<Current, "record" | "since"> | undefined {
    return this.#current;
  }

  get segment(): PlaybackSegment | Promise<PlaybackSegment> {
    return this.#known().segment;
  }

  /** The status of the session's feed, or why it has no tape. */
  get feed(): FeedStatus | undefined {
    return this.#edge.feed ?? this.record.feed ?? undefined;
  }

  #known(): Current {
    if (this.#current === undefined) throw new Error(`session ${this.id} was used before it was read`);
    return this.#current;
  }

  // What is published

  /** HOT: a message on the session's channel. */
  receive(message: Buffer): void {
    const { counters } = this.#context;
    counters.messagesReceived++;
    const head = parseHead(message);
    if (head === undefined) {
      counters.unreadableMessages++;
      return;
    }
    if (head.kind !== "F") {
      if (head.kind === "D") this.#receiveEnd(head);
      else if (head.kind === "P") this.#receivePace(head, message);
      else this.#receiveState(head, message);
      return;
    }
    if (this.#current === undefined) {
      this.#earlyFrame = latestFrame(this.#earlyFrame, head);
      return;
    }
    if (this.#delivery.receive(head, message, this.#current.segment) === "reread") {
      this.#earlyFrame = latestFrame(this.#earlyFrame, head);
      void this.reread();
    }
  }

  #receiveState(head: StateHead, message: Buffer): void {
    if (this.#current !== undefined && !isNewer(this.#delivery.cursor, head)) return; // made here, or already read
    try {
      const body = message.toString("latin1", head.body);
      this.#delivery.traceFirstFrame(traceOf(body));
      this.applyRecord(decodeState(body), head.cause);
    } catch (error) {
      this.#context.counters.unreadableMessages++;
      this.#log.error({ err: error }, "state not readable, written by another release?");
    }
  }

  #receivePace(head: PaceHead, message: Buffer): void {
    const place = readPace(head, message);
    if (place === undefined || this.#current === undefined) return; // the session is being read
    if (isNewer(this.#delivery.cursor, head)) void this.reread();
    else if (this.playheadMoved(head, place) && this.record.lossless?.bounded) this.pacing.changed();
  }

  /** HOT: in lossless pace the playhead moves within its revision; frames up to it are rendered here. */
  playheadMoved({ epoch, rev }: Revision, place: PacedPlace): boolean {
    const { cursor } = this.#delivery;
    if (this.#current === undefined || epoch !== cursor.epoch || rev !== cursor.rev) return false;
    const { record, segment } = this.#current;
    if (place.seq <= record.anchorSeq) return false;
    // What waits for the segment compares the record.
    if (!(segment instanceof Promise)) this.#current = { ...this.#current, record: movedTo(record, place) };
    this.#delivery.catchUp(place.seq);
    return true;
  }

  /** A deleted id may have been created again before this message arrives, and so may an expired one: then it is not the end. */
  #receiveEnd({ epoch, cause }: StateHead): void {
    if (this.#current === undefined) this.#earlyEnd = true;
    else if (cause !== "deleted") void this.reread();
    else if (epoch >= this.#delivery.cursor.epoch) this.end("deleted");
  }

  /** HOT: at the live edge the market's frames are the session's. */
  advance(seq: Seq, message: Uint8Array | string | undefined): void {
    this.#context.counters.edgeFrames++;
    if (message === undefined) this.#delivery.catchUp(seq);
    else this.#delivery.forward(message, seq);
  }

  /** Delivers a message with all frames after the cursor up to `seq`, which this node rendered in place of a silent ticker. */
  cover(message: string, seq: Seq): void {
    this.#context.counters.coveredMessages++;
    this.#delivery.forward(message, seq);
  }

  // What the session is

  /** The session as it was read or created. What was published meanwhile is applied too. */
  async initialize({ record, connections, now }: StoredSession): Promise<void> {
    this.setTotalConnections(connections);
    this.#edge.follow(record);
    const opening = this.#segments.open(undefined, record);
    // At the live edge only the tape says how far the session has come.
    const segment = record.edge ? await opening : opening;
    this.#current = { record, since: performance.now(), segment };
    this.#delivery.follow(cursorOf(record));
    this.#onceReady(record, segment);
    const early = this.#earlyState;
    this.#earlyState = undefined;
    if (early !== undefined) this.applyRecord(early.record, early.cause);
    this.#applyEarlyFrame();
    void this.#catchUpToClock(now);
    if (this.#earlyEnd) void this.reread();
  }

  /** Shows what was published before this node listened, by the clock when Redis said that the session plays. */
  async #catchUpToClock(now: WallMs): Promise<void> {
    const { record, segment } = this.#known();
    const due = await dueFrame(record, segment, this.lastSeq, now, this.#log);
    if (this.#current?.record === record) this.#delivery.catchUp(due);
  }

  /** Applies a record of the session, from whatever source. An older or known revision changes nothing. */
  applyRecord(record: SessionRecord, cause: StateCause): void {
    if (this.#current === undefined) {
      this.#earlyState = { record, cause };
      return;
    }
    const { record: before } = this.#current;
    const cursorBefore = this.#delivery.cursor;
    if (!isNewer(cursorBefore, record)) {
      this.#applySameRevision(record);
      return;
    }
    const roundEnd = this.#segments.roundEnd(before);
    const segment = this.#segments.open(before, record);
    this.#current = { record, since: performance.now(), segment };
    this.#delivery.follow(cursorOf(record));
    const message = (told: StateCause) => this.#context.messages.state(record, told, this.connections);
    const change = { before, record, cause, segment, cursorBefore, cursor: this.#delivery.cursor, roundEnd, message };
    for (const item of notificationsFor(change)) this.#delivery.push(item);
    this.#edge.follow(record);
    this.#onceReady(record, segment);
    this.#applyEarlyFrame();
    if (record.parked) this.unpark();
    else this.#correctAnchor(record);
    this.pacing.changed();
  }

  /** A record of the known revision may say that more frames were published than arrived here. */
  #applySameRevision(record: SessionRecord): void {
    const { epoch, rev } = this.#delivery.cursor;
    if (record.epoch === epoch && record.rev === rev) this.#delivery.catchUp(deliverableSeq(record));
    this.#applyEarlyFrame();
  }

  /**
   * A frame of the live market was delivered before a pause took effect: moves the paused playhead to that frame. Other
   * tapes need no correction, because the time of their next frame is known and a pause comes before it.
   */
  #correctAnchor(record: SessionRecord): void {
    const { epoch, lastSeq } = this.#delivery.cursor;
    if (record.mode !== "LIVE" || isMoving(record) || lastSeq <= deliverableSeq(record)) return;
    this.perform({ type: "shown", epoch, seq: lastSeq }).catch((error) =>
      this.#log.warn({ err: error }, "the playhead of a paused session stays behind the frame that its clients see"),
    );
  }

  #applyEarlyFrame(): void {
    const early = this.#earlyFrame;
    if (early === undefined) return;
    const decision = decideDelivery(this.#delivery.cursor, early);
    if (decision === "reread") {
      void this.reread();
      return;
    }
    this.#earlyFrame = undefined;
    if (decision !== "forward" && decision !== "catch-up") return;
    this.#delivery.catchUp(early.seq);
  }

  #onceReady(record: SessionRecord, segment: PlaybackSegment | Promise<PlaybackSegment>): void {
    if (segment instanceof Promise) void segment.then((ready) => this.#segmentReady(record, ready));
    else this.#segmentReady(record, segment);
  }

  #segmentReady(record: SessionRecord, segment: PlaybackSegment): void {
    if (this.#current?.record !== record) return; // it has changed meanwhile
    this.#current = { ...this.#current, segment };
    if (segment.tape === undefined) {
      if (record.tape !== "" && this.#segments.missingTape === record.tape) this.#edge.tapeLost();
    } else if (record.edge) {
      this.#reachEdge(segment.tape);
    }
  }

  /** At the live edge clients may get all that is on the tape by now. */
  #reachEdge(tape: Tape): void {
    this.#edge.start(tape);
    this.#delivery.catchUp(tape.span.lastSeq);
  }

  tapeFound(tape: Tape): void {
    if (this.#current === undefined) return;
    const { record, segment } = this.#current;
    if (segment instanceof Promise || segment.tape !== undefined) return; // it is open already, or being opened
    const found = this.#segments.useTape(tape, record);
    this.#current = { ...this.#current, segment: found };
    this.#delivery.push({ type: "segment", segment: found });
    this.#reachEdge(tape);
  }

  feedChanged(feed: FeedStatus): void {
    this.#delivery.push({ type: "message", message: () => feedMessage(feed) });
  }

  // Reading and changing the session in Redis

  /** Reads the session again, now that the channel is subscribed again after that interruption. */
  async readAfter(interruption: number): Promise<void> {
    await this.#rereading; // which may have begun earlier
    await this.reread();
    this.interruptions.readSince(interruption);
  }

  /** Reads the session again: after a reconnection, and when a change was missed. Retries until it succeeds. */
  reread(): Promise<void> {
    this.#rereading ??= this.#reread().finally(() => {
      this.#rereading = undefined;
    });
    return this.#rereading;
  }

  async #reread(): Promise<void> {
    this.#context.counters.rereads++;
    while (!this.#ended && this.#current !== undefined) {
      try {
        const { cursor } = this.#delivery;
        const seen = latestRevision(cursor, this.#earlyFrame);
        const read = await this.#context.store.read(this.id);
        if (read === undefined) return this.end("expired");
        this.setTotalConnections(read.connections);
        if (isNewer(read.record, seen)) await this.#recover(seen, read.record);
        else if (contradicts(this.record, read.record))
          await this.#recover({ epoch: seen.epoch, rev: seen.rev + 1 }, read.record);
        else this.applyRecord(read.record, read.record.recoveredEpoch > seen.epoch ? "recover" : "command");
        void this.#catchUpToClock(read.now);
        if (this.#earlyFrame !== undefined) continue; // its revision is later than what we read
        if (this.record.parked) this.unpark();
        this.#edge.checkFeedTape();
        return;
      } catch (error) {
        if (isSessionNotFound(error)) return this.end("expired");
        this.#log.debug({ err: error }, "session not read, trying again");
        await new Promise((resolve) => setTimeout(resolve, rereadRetryMs).unref());
      }
    }
  }

  /** Redis has an older revision than clients have seen. A new epoch makes sure that no position is given out twice. */
  async #recover({ epoch, rev }: Revision, found: Revision): Promise<void> {
    this.#log.warn({ epoch, rev, found: [found.epoch, found.rev] }, "Redis lost a change: recovering");
    const { record } = await this.#context.sessions.perform(this.id, { type: "recover", epoch, rev });
    this.applyRecord(record, "recover");
  }

  /** Applies a command. Clients here get the change at once and not only when it comes back through Redis. */
  async perform(command: Command | SystemCommand, requester?: Requester): Promise<CommandResult> {
    try {
      const result = await this.#context.sessions.perform(this.id, command, requester);
      this.setTotalConnections(result.connections);
      if (result.changed) this.#delivery.traceFirstFrame(traceparent());
      this.applyRecord(result.record, isSystemCommand(command) ? systemCauses[command.type] : "command");
      return result;
    } catch (error) {
      if (isSessionNotFound(error)) this.end("expired");
      throw error;
    }
  }

  async switchTape(): Promise<boolean> {
    return (await this.perform({ type: "tune" })).changed;
  }

  /** A subscriber has sent a frame of this epoch to its socket. */
  frameSent(epoch: number): void {
    this.#delivery.frameSent(epoch);
  }

  /** Starts the clock of a session that was parked because it had no clients. */
  unpark(): void {
    if (this.references === 0) return;
    this.perform({ type: "unpark" }).catch((error) =>
      this.#log.warn({ err: error }, "session not unparked; it stands still until it changes or is read again"),
    );
  }

  /** Repeats the request for the session's feed if the last one is this old. */
  renewFeedDemand(everyMs: number): void {
    this.#edge.renewDemand(everyMs);
  }

  end(cause: "deleted" | "expired"): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#segments.close();
    this.#edge.close();
    this.#context.onEnded(this, cause);
  }

  /** The last socket here has closed. */
  close(): void {
    this.#segments.close();
    this.#edge.close();
    this.pacing.close();
    const record = this.#current?.record;
    if (record?.mode === "LIVE") void this.#edge.withdrawDemand(record);
  }
}
