import { RefusedError, sessionNotFound } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import { TradeHistory } from "../candles/trade-history.js";
import type { FollowedSession, SessionOwner } from "../session/followed-session.js";
import { LiveFeed, type LiveFeedContext } from "../session/live-feed.js";
import { StreamHub } from "../streams/stream-hub.js";
import { type EpochContext, PlayedEpoch } from "./played-epoch.js";

export interface PlayerContext extends Omit<EpochContext, "onRescaled"> {
  readonly feed: LiveFeedContext;
  /** How many clients are here has changed. */
  readonly onPresence: (player: Player) => void;
  /** The session is gone. */
  readonly onEnded: (player: Player) => void;
}

/** A client that cannot go on where the market begins anew. */
export interface Client {
  /** The market of its epoch is over: a seek, a loop, another tape. */
  restart(): void;
}

/** A market that is being opened or played. */
interface Playing {
  readonly opened: Promise<PlayedEpoch>;
  /** Both are undefined until it is open. */
  epoch: PlayedEpoch | undefined;
  streams: StreamHub | undefined;
  /** Read when it is asked for first. */
  history: Promise<TradeHistory> | undefined;
}

/** One session's venue on this node: its record, and the market of its present epoch, shared by all sockets and requests here. */
export class Player implements SessionOwner {
  readonly id: string;
  /** When somebody last asked for it, on the monotonic clock. */
  usedAt = performance.now();
  readonly #context: PlayerContext;
  readonly #feed: LiveFeed;
  readonly #clients = new Set<Client>();
  #session: FollowedSession | undefined;
  #record: SessionRecord | undefined;
  #playing: Playing | undefined;
  #closed = false;

  constructor(id: string, context: PlayerContext) {
    this.id = id;
    this.#context = context;
    this.#feed = new LiveFeed(
      context.feed,
      () => this.#session,
      () => this.#playing?.epoch?.grown(),
    );
  }

  /** The session is followed from now on. */
  attach(session: FollowedSession): void {
    this.#session = session;
    this.#present();
    this.#feed.follow(session.record);
  }

  get session(): FollowedSession | undefined {
    return this.#session;
  }

  get record(): SessionRecord {
    if (this.#record === undefined) throw new Error(`session ${this.id} was used before it was read`);
    return this.#record;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** The session's market, played up to the playhead. Rejects as `opened` does. */
  async epoch(): Promise<PlayedEpoch> {
    const epoch = await this.opened();
    await epoch.awaken();
    return epoch;
  }

  /**
   * The session's market, which is perhaps not played at the moment. Rejects with `NO_TAPE`, `TRACK_NOT_FOUND`, `SESSION_NOT_FOUND`, and as reading a tape
   * does: then the next call tries again.
   */
  async opened(): Promise<PlayedEpoch> {
    this.usedAt = performance.now();
    for (;;) {
      if (this.#closed) throw new RefusedError(sessionNotFound(this.id));
      const playing = this.#playing ?? this.#open();
      const epoch = await playing.opened;
      if (this.#playing === playing) return epoch;
    }
  }

  /** The session's market, which is perhaps not played at the moment, and the streams that are made of it. Rejects as `opened` does. */
  async streams(): Promise<{ readonly epoch: PlayedEpoch; readonly streams: StreamHub }> {
    for (;;) {
      const epoch = await this.opened();
      const playing = this.#playing;
      if (playing?.epoch !== epoch) continue;
      playing.streams ??= new StreamHub(epoch, () => this.historyOf(epoch));
      return { epoch, streams: playing.streams };
    }
  }

  /** Whether this is still the session's market. */
  isPlaying(epoch: PlayedEpoch): boolean {
    return this.#playing?.epoch === epoch;
  }

  /** The trades up to the playhead. Rejects as `epoch` does. */
  async history(): Promise<TradeHistory> {
    const epoch = await this.epoch();
    return this.historyOf(epoch);
  }

  /** The trades of an epoch. Rejects as reading a tape does. */
  historyOf(epoch: PlayedEpoch): Promise<TradeHistory> {
    const playing = this.#playing;
    if (playing?.epoch !== epoch) return TradeHistory.load(epoch); // the epoch is over, and its clients are closed
    if (playing.history === undefined) {
      playing.history = TradeHistory.load(epoch);
      playing.history.catch(() => {
        playing.history = undefined;
      });
    }
    return playing.history;
  }

  /** Adds a client that keeps the session from being parked. @returns what removes it */
  join(client: Client): () => void {
    this.#clients.add(client);
    this.#present();
    return () => {
      this.usedAt = performance.now();
      if (this.#clients.delete(client)) this.#present();
    };
  }

  /** This node has changed the session: it need not wait for the session's channel. */
  learn(record: SessionRecord): void {
    this.#session?.learn(record);
  }

  changed(record: SessionRecord, before: SessionRecord | undefined): void {
    this.#record = record;
    if (before !== undefined && record.epoch !== before.epoch) {
      this.#playing?.epoch?.flush();
      this.#end();
    } else if (before !== undefined && record.tape !== before.tape) this.#changeTape();
    else this.#playing?.epoch?.update(record);
    if (this.#session !== undefined) this.#feed.follow(record);
  }

  moved(record: SessionRecord): void {
    this.#record = record;
    this.#playing?.epoch?.update(record);
  }

  ended(): void {
    this.#context.onEnded(this);
  }

  /** Repeats the request for a live feed if the last one is this old. */
  renewDemand(everyMs: number): void {
    this.#feed.renewDemand(everyMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end();
    this.#feed.close();
    this.#session?.subscribers.clear();
    this.#context.onPresence(this);
  }

  #open(): Playing {
    const { record } = this;
    const opened = PlayedEpoch.open(record, { ...this.#context, onRescaled: (epoch) => this.#rescaled(epoch) });
    const playing: Playing = { opened, epoch: undefined, streams: undefined, history: undefined };
    this.#playing = playing;
    opened.then(
      (epoch) => {
        playing.epoch = epoch;
        if (this.#playing !== playing) epoch.stop();
        else if (epoch.tape.id !== this.record.tape) this.#changeTape();
        else epoch.update(this.record); // it may have changed meanwhile
      },
      () => {
        if (this.#playing === playing) this.#playing = undefined;
      },
    );
    return playing;
  }

  /** Another tape in the same epoch is that of a market which sees an order: it goes on. */
  #changeTape(): void {
    const { record } = this;
    const playing = this.#playing;
    if (playing?.epoch === undefined) return; // it is looked at when it is open
    const { epoch } = playing;
    epoch.hold();
    const isNewest = () => this.#playing === playing && this.record.tape === record.tape;
    this.#context.tapes.open(record.tape).then(
      (tape) => {
        if (!isNewest()) return;
        if (epoch.goOnWith(tape)) epoch.update(this.record);
        else this.#end();
      },
      () => {
        if (isNewest()) this.#end(); // who asks next hears why
      },
    );
  }

  #rescaled(epoch: PlayedEpoch): void {
    if (this.#playing?.epoch === epoch) this.#end();
  }

  /** The market begins anew, as that of a venue which restarts. */
  #end(): void {
    this.#playing?.epoch?.stop();
    this.#playing = undefined;
    const clients = [...this.#clients];
    for (const client of clients) client.restart();
  }

  /** One that has only requests counts as one client, so that its clock goes on between them. */
  #present(): void {
    const subscribers = this.#session?.subscribers;
    if (subscribers === undefined) return;
    subscribers.clear();
    for (const client of this.#clients.size > 0 ? this.#clients : [this]) subscribers.add(client);
    this.#context.onPresence(this);
  }
}
