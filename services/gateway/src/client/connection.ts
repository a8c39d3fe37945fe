import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { type Access, controlRefusal, type Principal } from "@tapedeck/access";
import {
  type CloseCode,
  clientMessage,
  closeCodes,
  describeIssues,
  isoOfMs,
  limits,
  parseCommand,
  type RefusalCode,
  RefusedError,
  refuse,
} from "@tapedeck/protocol";
import type { CountCommand, Logger, throttledLog } from "@tapedeck/runtime";
import { DamagedBlock, type DamageReports, type Seq } from "@tapedeck/tape";
import type { Trading } from "@tapedeck/trading";
import type { SocketAudit } from "../admission/socket-audit.js";
import { TokenExpiry } from "../admission/token-expiry.js";
import type { Reader } from "../pacing/reader.js";
import type { Socket, SocketEvents } from "../server/server.js";
import { isUnavailable } from "../subscription/segment-opener.js";
import { errorMessage, type SessionMessages } from "../subscription/session-messages.js";
import type { SessionSubscription } from "../subscription/subscription.js";
import { CommandQueue } from "./commands.js";
import type { MessageRateLimit } from "./message-rate.js";
import { SendQueue, type SendQueueContext } from "./send-queue.js";
import { ClientStream } from "./stream.js";

/** What all connections of a gateway share. */
export interface ConnectionContext {
  readonly access: Access;
  readonly messages: SessionMessages;
  readonly sendQueues: SendQueueContext;
  readonly trading: Pick<Trading, "between" | "sentAfter">;
  /** The damaged blocks that this gateway has logged. */
  readonly damage: DamageReports;
  /** For problems that hit all sockets at once. */
  readonly sparingLog: ReturnType<typeof throttledLog>;
  readonly countCommand: CountCommand;
  readonly log: Logger;
}

interface ConnectionOptions {
  readonly subscription: SessionSubscription;
  readonly legacy: boolean;
  /** Who opened the socket, and from where. */
  readonly principal: Principal;
  readonly address: string;
  readonly rateLimit: MessageRateLimit;
  readonly audit: SocketAudit;
  /** Called when the socket is open: pushes the stream's first messages. */
  readonly onOpen: (stream: ClientStream) => void;
  /** Called once, when the socket is gone. */
  readonly onClosed: () => void;
}

/** A message that is not valid, but has an id by which it can be answered. */
const withId = clientMessage.options[0].pick({ type: true, id: true });

/** The client closes the socket by itself, and does not come back: its place as a reader is not kept. */
const leavingCodes: ReadonlySet<number> = new Set([1000, 1001]);
const maxAckBytes = 100;
const ackMessage = /^\{"type":"ack_frame","epoch":(\d{1,16}),"seq":(\d{1,16})\}$/;

/** One client: its socket, the stream of frames and messages to it, and the commands that come from it. */
export class ClientConnection implements SocketEvents {
  readonly #options: ConnectionOptions;
  readonly #context: ConnectionContext;
  readonly #commands: CommandQueue;
  /** Undefined until it acknowledges frames. */
  #reader: Reader | undefined;
  #queue: SendQueue | undefined;
  #stream: ClientStream | undefined;
  #closed = false;
  #principal: Principal;
  readonly #tokenExpiry = new TokenExpiry({
    onExpiring: (expiresMs) => this.#sendExpiring(expiresMs),
    onExpired: () => this.close(4401, "the token has expired"),
  });

  constructor(options: ConnectionOptions, context: ConnectionContext) {
    this.#options = options;
    this.#context = context;
    this.#principal = options.principal;
    this.#commands = new CommandQueue({
      ...options,
      ...context,
      principal: () => this.#principal,
      ack: (message) => this.#stream?.push({ type: "message", message }),
      refuse: (code, message, id) => this.#sendRefusal(code, message, id),
      refuseAtOnce: (code, message, id) => this.#refuse(code, message, id),
      whenWritable: () => this.#queue?.whenWritable(),
    });
  }

  get principal(): Principal {
    return this.#principal;
  }

  opened(socket: Socket): void {
    const { subscription, legacy } = this.#options;
    const { sendQueues, trading } = this.#context;
    const { counters } = sendQueues;
    const queue = new SendQueue(socket, sendQueues, () => this.#release());
    const onFailure = (error: unknown) => this.#reportFailure(error);
    const stream = new ClientStream({ legacy, subscription, queue, counters, trading, onFailure });
    this.#queue = queue;
    this.#stream = stream;
    counters.socketsOpened++;
    subscription.subscribers.add(stream);
    this.#options.onOpen(stream);
    this.#tokenExpiry.restart(this.#principal.expiresMs);
  }

  /** The client acknowledges frames, and is done with those up to this one. */
  readAs(name: string, acked: Seq): void {
    const { pacing } = this.#options.subscription;
    this.#reader = pacing.add(name, acked, (code, reason) => this.close(code, reason));
    this.#stream?.waitForReader();
  }

  #reportFailure(error: unknown): void {
    const { damage, sparingLog, sendQueues, log } = this.#context;
    if (error instanceof DamagedBlock) {
      sendQueues.counters.damagedBlocks++;
      if (!damage.shouldReport(error)) return;
    } else if (isUnavailable(error)) {
      sparingLog.warn({ err: error }, "clients wait for the tape store or Redis");
      return;
    }
    log.error({ err: error, session: this.#options.subscription.id }, "a client did not get all of its frames");
  }

  drained(): void {
    this.#queue?.socketDrained();
  }

  closed(code: number): void {
    this.#queue?.socketClosed();
    this.#release(leavingCodes.has(code));
  }

  close(code: CloseCode, reason: string): void {
    if (this.#closed || this.#queue === undefined) return;
    this.#options.audit.closed(code, reason);
    this.#queue.close(code, reason);
  }

  /** However the socket ended, nothing in the process refers to it afterwards. */
  #release(forGood = false): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#reader) this.#options.subscription.pacing.remove(this.#reader, forGood);
    this.#tokenExpiry.stop();
    this.#commands.close();
    if (this.#stream) this.#options.subscription.subscribers.delete(this.#stream);
    this.#options.onClosed();
  }

  message(data: ArrayBuffer): void {
    if (this.#closed) return;
    // HOT: as often as frames are sent. What acknowledges nothing new counts as any other message.
    if (this.#reader !== undefined && this.#acknowledges(this.#reader, data)) return;
    const exceeded = this.#options.rateLimit.take();
    if (exceeded !== undefined) {
      this.close(4429, `at most ${exceeded.points} messages in ${exceeded.seconds} s`);
      return;
    }
    if (data.byteLength > limits.clientMessageBytes) {
      this.close(1009, `a message may have ${limits.clientMessageBytes} bytes`);
      return;
    }
    const text = Buffer.from(data).toString();
    if (this.#options.legacy) this.#readLegacy(text);
    else this.#read(text);
  }

  #acknowledges(reader: Reader, data: ArrayBuffer): boolean {
    if (data.byteLength > maxAckBytes) return false;
    const ack = ackMessage.exec(Buffer.from(data).toString("latin1"));
    return ack !== null && this.#options.subscription.pacing.ack(reader, Number(ack[1]), Number(ack[2])) === true;
  }

  /** A socket that has not said that it acknowledges frames becomes a reader by the first one. */
  #acknowledge(epoch: number, seq: Seq): void {
    const { pacing, record } = this.#options.subscription;
    const refusal = controlRefusal(this.#principal, record);
    if (refusal !== undefined) {
      this.#refuse(refusal.refused, refusal.message);
      return;
    }
    if (this.#reader === undefined) this.readAs(randomUUID(), -1);
    if (this.#reader && pacing.ack(this.#reader, epoch, seq) === "ahead") {
      this.#refuse(
        "INVALID_VALUE",
        `ack_frame: frame ${seq} of epoch ${epoch} has not been sent; nothing was changed.`,
      );
    }
  }

  /** Messages of old pages other than orders mean nothing to us. They are ignored, because an answer would break the page. */
  #readLegacy(text: string): void {
    const message = clientMessage.safeParse(parseJson(text));
    if (message.data?.type !== "ORDER") return;
    const order = parseCommand("order", message.data);
    if ("ok" in order) this.#commands.add(undefined, order.ok);
  }

  #read(text: string): void {
    const json = parseJson(text);
    const { data: message, error } = clientMessage.safeParse(json);
    if (error) {
      const { invalid } = describeIssues(error, "message");
      const problem = json === undefined ? "message: must be JSON" : invalid;
      const refusal = refuse("MALFORMED", `${problem}; nothing was changed.`);
      const { data: answerable } = withId.safeParse(json);
      if (answerable) this.#commands.add(answerable.id, refusal);
      else this.#refuse(refusal.refused, refusal.message);
      return;
    }
    switch (message.type) {
      case "ping":
        this.#stream?.pong();
        return;
      case "ack_frame":
        this.#acknowledge(message.epoch, message.seq);
        return;
      case "auth":
        void this.#renewToken(message.token);
        return;
      case "ORDER":
        this.#commands.addParsed(undefined, parseCommand("order", message));
        return;
      case "command": {
        const { type: _, id, command: name, ...args } = message;
        this.#commands.addParsed(id, parseCommand(name, args));
      }
    }
  }

  /** Takes a fresh token of the same user and share link. A token of anyone else changes nothing. */
  async #renewToken(token: string): Promise<void> {
    const { audit } = this.#options;
    const { users } = this.#context.access;
    if (!users.required) return;
    try {
      const fresh = await users.identify(token);
      const { userId, share } = this.#principal;
      if (fresh.userId !== userId || fresh.share?.id !== share?.id) {
        const why = "This token belongs to another user or share link than the one that opened the socket.";
        audit.answered("auth", "FORBIDDEN", undefined, why);
        this.#refuse("FORBIDDEN", why);
      } else if (!this.#closed) {
        this.#principal = audit.principal = fresh;
        this.#tokenExpiry.restart(fresh.expiresMs);
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.code === "UNAUTHORIZED") audit.answered("auth", error.code, undefined, error.message);
      this.#refuse(error.code, error.message);
    }
  }

  #sendExpiring(expiresMs: number): void {
    if (this.#options.legacy) return;
    const text = JSON.stringify({ type: "expiring", expires_at: isoOfMs(expiresMs) });
    this.#stream?.push({ type: "message", message: () => text });
  }

  /** Refuses a message that does not wait for its turn. A client that does not read could pile up any number of these answers. */
  #refuse(code: RefusalCode, message: string, id?: string | number): void {
    if (this.#queue?.blocked && !this.#options.legacy) this.close(4408, "answers are not read");
    this.#sendRefusal(code, message, id);
  }

  #sendRefusal(code: RefusalCode, message: string, id: string | number | undefined): void {
    this.#context.sendQueues.counters.refusals++;
    if (this.#options.legacy) return;
    this.#stream?.push({ type: "message", message: () => errorMessage(code, message, id) });
  }
}

/** The connections of this node. */
export class ClientConnections {
  readonly #all = new Set<ClientConnection>();

  get size(): number {
    return this.#all.size;
  }

  add(connection: ClientConnection): void {
    this.#all.add(connection);
  }

  delete(connection: ClientConnection): void {
    this.#all.delete(connection);
  }

  /**
   * Closes all connections one after the other, so that their clients do not reach the other nodes all at once.
   *
   * @param apartMs how long after the one before each is closed; less if that would take longer than `atMostMs` for all
   */
  async closeAll(code: CloseCode, { apartMs, atMostMs }: { apartMs: number; atMostMs: number }): Promise<void> {
    const all = [...this.#all];
    const start = performance.now();
    const apart = Math.min(apartMs, atMostMs / all.length);
    for (const [nth, connection] of all.entries()) {
      const wait = start + apart * nth - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      connection.close(code, closeCodes[code].name);
    }
  }

  /** Closes the connections of share links that were revoked after the connection was opened. */
  async closeRevoked(shares: Access["shares"]): Promise<void> {
    for (const connection of [...this.#all]) {
      const { share } = connection.principal;
      if (share !== undefined && !(await shares?.isValid(share)))
        connection.close(4401, "the share link has been revoked");
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
