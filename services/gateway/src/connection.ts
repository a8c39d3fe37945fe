import { Buffer } from "node:buffer";
import { type Access, clientKey, controlRefusal, type Principal } from "@tapedeck/access";
import {
  type CloseCode,
  type Command,
  clientMessage,
  describeIssues,
  invalidInputRefusal,
  isoOfMs,
  isRefusal,
  limits,
  type ParsedCommand,
  parseCommand,
  type Refusal,
  type RefusalCode,
  RefusedError,
  refuse,
} from "@tapedeck/protocol";
import { type Logger, traced } from "@tapedeck/runtime";
import { clientGone } from "@tapedeck/sessions";
import { DamagedBlock } from "@tapedeck/tape";
import type { Socket, SocketEvents } from "./listener.js";
import type { MessageBudget } from "./message-budget.js";
import { Outlet, type OutletShare } from "./outlet.js";
import { isPassing } from "./passing.js";
import type { SessionTexts } from "./session-texts.js";
import type { SocketTrail } from "./socket-trail.js";
import { TokenLife } from "./token-life.js";
import { errorText, Viewer } from "./viewer.js";
import type { Watch } from "./watch.js";

export interface ConnectionOptions {
  readonly watch: Watch;
  readonly legacy: boolean;
  readonly access: Access;
  /** Who opened the socket, and from where. */
  readonly principal: Principal;
  readonly address: string;
  readonly share: OutletShare;
  readonly texts: SessionTexts;
  readonly budget: MessageBudget;
  readonly trail: SocketTrail;
  readonly log: Logger;
  /** The socket is open: tells the viewer where its frames begin. */
  readonly welcome: (viewer: Viewer) => void;
  /** Called once, when the socket is gone. */
  readonly onClosed: (connection: Connection) => void;
}

/** Commands of one socket that may wait for their turn. */
const mostCommands = 64;

/** What can be answered by its id, though it is no command that we know. */
const answerable = clientMessage.options[0].pick({ type: true, id: true });

/** What is refused at once waits its turn too, so that answers come in the order of the commands. */
interface Waiting {
  /** Undefined for an order that came as a message of its own: nothing but a refusal answers it. */
  readonly id: string | number | undefined;
  readonly task: Command | Refusal;
}

/** One client: its socket, the viewer that fills it, and the commands that come through it. */
export class Connection implements SocketEvents {
  readonly watch: Watch;
  readonly #options: ConnectionOptions;
  #outlet: Outlet | undefined;
  #viewer: Viewer | undefined;
  readonly #commands: Waiting[] = [];
  #performing = false;
  #closed = false;
  /** Aborts when the socket is gone. */
  readonly #gone = new AbortController();
  #principal: Principal;
  readonly #tokenLife = new TokenLife({
    ending: (expiresMs) => this.#tellOfEnding(expiresMs),
    over: () => this.close(4401, "the token has expired"),
  });

  constructor(options: ConnectionOptions) {
    this.watch = options.watch;
    this.#options = options;
    this.#principal = options.principal;
  }

  get principal(): Principal {
    return this.#principal;
  }

  opened(socket: Socket): void {
    const { watch, legacy, share, log } = this.#options;
    const outlet = new Outlet(socket, share, () => this.#over());
    const viewer = new Viewer({
      legacy,
      source: watch,
      outlet,
      counters: share.counters,
      onFailure: (error) => {
        if (error instanceof DamagedBlock) {
          share.counters.damagedBlocks++;
          if (!share.damage.isNews(error)) return;
        } else if (isPassing(error)) {
          share.report.warn({ err: error }, "viewers wait for the tape store or Redis");
          return;
        }
        log.error({ err: error, session: watch.id }, "a socket was not given all it should have");
      },
    });
    this.#outlet = outlet;
    this.#viewer = viewer;
    share.counters.accepted++;
    watch.viewers.add(viewer);
    this.#options.welcome(viewer);
    this.#tokenLife.lastUntil(this.#principal.expiresMs);
  }

  drained(): void {
    this.#outlet?.drained();
  }

  closed(): void {
    this.#outlet?.closed();
    this.#over();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#closed || this.#outlet === undefined) return;
    this.#options.trail.closed(code, reason);
    this.#outlet.close(code, reason);
  }

  /** However a socket ends, the rest of the process forgets it here. */
  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tokenLife.stop();
    this.#commands.length = 0;
    this.#gone.abort(clientGone());
    if (this.#viewer) this.watch.viewers.delete(this.#viewer);
    this.#options.onClosed(this);
  }

  message(data: ArrayBuffer): void {
    if (this.#closed) return;
    const used = this.#options.budget.take();
    if (used !== undefined) {
      this.close(4429, `at most ${used.points} messages in ${used.seconds} s`);
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

  /** All that old pages send means nothing to us and must not trouble them, but for their orders. */
  #readLegacy(text: string): void {
    const message = clientMessage.safeParse(parsed(text));
    if (message.data?.type !== "ORDER") return;
    const order = parseCommand("order", message.data);
    if ("ok" in order) this.#enqueue(undefined, order.ok);
  }

  #read(text: string): void {
    const json = parsed(text);
    const message = clientMessage.safeParse(json);
    if (!message.success) {
      const { invalid } = describeIssues(message.error, "message");
      const refusal = refuse(
        "MALFORMED",
        `${json === undefined ? "message: is not JSON" : invalid}; nothing was changed.`,
      );
      const { data: asked } = answerable.safeParse(json);
      if (asked) this.#enqueue(asked.id, refusal);
      else this.#refuse(refusal.refused, refusal.message);
      return;
    }
    if (message.data.type === "ping") {
      if (!this.#outlet?.blocked) this.#viewer?.tell({ text: () => '{"type":"pong"}' });
      return;
    }
    if (message.data.type === "auth") {
      void this.#renew(message.data.token);
      return;
    }
    if (message.data.type === "ORDER") {
      this.#enqueueParsed(undefined, parseCommand("order", message.data));
      return;
    }
    const { type: _, id, command: name, ...args } = message.data;
    this.#enqueueParsed(id, parseCommand(name, args));
  }

  #enqueueParsed(id: string | number | undefined, command: ParsedCommand): void {
    this.#enqueue(id, "ok" in command ? command.ok : invalidInputRefusal(command));
  }

  #enqueue(id: string | number | undefined, task: Command | Refusal): void {
    if (this.#commands.length >= mostCommands) {
      this.#options.trail.answered(nameOf(task), "TOO_MANY_REQUESTS", id);
      this.#refuse("TOO_MANY_REQUESTS", `${mostCommands} commands wait already. Nothing was changed.`, id);
      return;
    }
    this.#commands.push({ id, task });
    if (!this.#performing) void this.#perform();
  }

  /** One after the other, so that they take effect and are answered in the order in which they were sent. */
  async #perform(): Promise<void> {
    const { watch, texts, share, trail, log, address } = this.#options;
    const asker = { user: clientKey(this.#principal, address), signal: this.#gone.signal };
    this.#performing = true;
    for (let next = this.#commands.shift(); next !== undefined; next = this.#commands.shift()) {
      const { id, task } = next;
      const command = nameOf(task);
      try {
        if (isRefusal(task)) throw new RefusedError(task);
        await this.#mayControl();
        const attributes = { "tapedeck.session": watch.id, "tapedeck.command": command };
        const { record } = await traced(`command ${command}`, attributes, () => watch.perform(task, asker));
        share.countCommand(command, "done");
        trail.answered(command, "ok", id);
        if (id !== undefined) this.#viewer?.tell({ text: () => texts.ack(id, record, watch.connections) });
      } catch (error) {
        if (!(error instanceof RefusedError)) log.error({ err: error, session: watch.id }, "command failed");
        share.countCommand(command, error instanceof RefusedError ? error.code : "INTERNAL");
        if (error instanceof RefusedError) trail.answered(command, error.code, id, error.message);
        else trail.answered(command, "INTERNAL", id);
        if (error instanceof RefusedError) this.#tellRefusal(error.code, error.message, id);
        else this.#tellRefusal("UNAVAILABLE", "The command could not be carried out at the moment.", id);
      }
      // A slow reader's pause is carried out at once; the next command waits until this one's answer can go out.
      await this.#outlet?.room();
      if (this.#closed) break;
    }
    this.#performing = false;
  }

  async #mayControl(): Promise<void> {
    const { access, address } = this.#options;
    const refusal = controlRefusal(this.#principal, this.watch.record);
    if (refusal !== undefined) throw new RefusedError(refusal);
    await access.rateLimiter.count("commands", this.#principal, address);
  }

  /** A fresh token for whoever opened this socket; anyone else's changes nothing. */
  async #renew(token: string): Promise<void> {
    const { access, trail } = this.#options;
    const { users } = access;
    if (!users.required) return;
    try {
      const fresh = await users.identify(token);
      const { userId, share } = this.#principal;
      if (fresh.userId !== userId || fresh.share?.id !== share?.id) {
        const why = "This token is someone else's than the one that opened the socket.";
        trail.answered("auth", "FORBIDDEN", undefined, why);
        this.#refuse("FORBIDDEN", why);
      } else if (!this.#closed) {
        this.#principal = trail.who = fresh;
        this.#tokenLife.lastUntil(fresh.expiresMs);
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.code === "UNAUTHORIZED") trail.answered("auth", error.code, undefined, error.message);
      this.#refuse(error.code, error.message);
    }
  }

  #tellOfEnding(expiresMs: number): void {
    if (this.#options.legacy) return;
    const text = JSON.stringify({ type: "expiring", expires_at: isoOfMs(expiresMs) });
    this.#viewer?.tell({ text: () => text });
  }

  /** Refuses what does not wait for its turn. One that reads no answers could have any number of these. */
  #refuse(code: RefusalCode, message: string, id?: string | number): void {
    if (this.#outlet?.blocked && !this.#options.legacy) this.close(4408, "answers are not read");
    this.#tellRefusal(code, message, id);
  }

  #tellRefusal(code: RefusalCode, message: string, id: string | number | undefined): void {
    this.#options.share.counters.refusals++;
    if (this.#options.legacy) return;
    this.#viewer?.tell({ text: () => errorText(code, message, id) });
  }
}

function nameOf(task: Command | Refusal): string {
  return isRefusal(task) ? "unknown" : task.type;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
