import { type Access, clientKey, controlRefusal, type Principal } from "@tapedeck/access";
import {
  type Command,
  invalidInputRefusal,
  isRefusal,
  type ParsedCommand,
  type Refusal,
  type RefusalCode,
  RefusedError,
} from "@tapedeck/protocol";
import { type CountCommand, type Logger, withSpan } from "@tapedeck/runtime";
import { clientGone } from "@tapedeck/sessions";
import type { SocketAudit } from "../admission/socket-audit.js";
import type { SessionMessages } from "../subscription/session-messages.js";
import type { SessionSubscription } from "../subscription/subscription.js";

type CommandId = string | number;

interface CommandQueueOptions {
  readonly subscription: SessionSubscription;
  readonly access: Access;
  readonly principal: () => Principal;
  readonly address: string;
  readonly messages: SessionMessages;
  readonly audit: SocketAudit;
  readonly countCommand: CountCommand;
  readonly log: Logger;
  readonly ack: (message: () => Promise<string>) => void;
  /** Answers a command that has its turn. */
  readonly refuse: (code: RefusalCode, message: string, id: CommandId | undefined) => void;
  /** Answers at once a command that is not queued. */
  readonly refuseAtOnce: (code: RefusalCode, message: string, id: CommandId | undefined) => void;
  /** Resolves when the socket can take the next answer. */
  readonly whenWritable: () => Promise<void> | undefined;
}

/** Commands of one socket that may wait for their turn. */
const maxWaiting = 64;

/** A malformed command waits for its turn, too, so that answers come in the order of the commands. */
interface WaitingCommand {
  /** Undefined for an `ORDER` message, which is answered only if it is refused. */
  readonly id: CommandId | undefined;
  readonly command: Command | Refusal;
}

/** The commands of one socket. They take effect, and are answered, one after the other in the order in which they were sent. */
export class CommandQueue {
  readonly #options: CommandQueueOptions;
  readonly #waiting: WaitingCommand[] = [];
  #running = false;
  readonly #closed = new AbortController();

  constructor(options: CommandQueueOptions) {
    this.#options = options;
  }

  addParsed(id: CommandId | undefined, command: ParsedCommand): void {
    this.add(id, "ok" in command ? command.ok : invalidInputRefusal(command));
  }

  add(id: CommandId | undefined, command: Command | Refusal): void {
    if (this.#waiting.length >= maxWaiting) {
      const { audit, refuseAtOnce } = this.#options;
      audit.answered(nameOf(command), "TOO_MANY_REQUESTS", id);
      refuseAtOnce("TOO_MANY_REQUESTS", `${maxWaiting} commands are waiting already. Nothing was changed.`, id);
      return;
    }
    this.#waiting.push({ id, command });
    if (!this.#running) void this.#run();
  }

  /** Drops waiting commands, and aborts the one under way if it only searches. */
  close(): void {
    this.#waiting.length = 0;
    this.#closed.abort(clientGone());
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#perform(next);
      // A slow reader's command takes effect at once; the next one waits until this one's answer can be sent.
      await this.#options.whenWritable();
      if (this.#closed.signal.aborted) break;
    }
    this.#running = false;
  }

  async #perform({ id, command }: WaitingCommand): Promise<void> {
    const { subscription, access, address, messages, audit, countCommand, log, ack, refuse } = this.#options;
    const principal = this.#options.principal();
    const name = nameOf(command);
    try {
      if (isRefusal(command)) throw new RefusedError(command);
      const refusal = controlRefusal(principal, subscription.record);
      if (refusal !== undefined) throw new RefusedError(refusal);
      await access.rateLimiter.count("commands", principal, address);
      const requester = { user: clientKey(principal, address), signal: this.#closed.signal };
      const attributes = { "tapedeck.session": subscription.id, "tapedeck.command": name };
      const { record } = await withSpan(`command ${name}`, attributes, () => subscription.perform(command, requester));
      countCommand(name, "done");
      audit.answered(name, "ok", id);
      if (id !== undefined) ack(() => messages.ack(id, record, subscription.connections));
    } catch (error) {
      if (error instanceof RefusedError) {
        countCommand(name, error.code);
        audit.answered(name, error.code, id, error.message);
        refuse(error.code, error.message, id);
      } else {
        log.error({ err: error, session: subscription.id }, "command failed");
        countCommand(name, "INTERNAL");
        audit.answered(name, "INTERNAL", id);
        refuse("UNAVAILABLE", "The command could not be carried out at the moment.", id);
      }
    }
  }
}

function nameOf(command: Command | Refusal): string {
  return isRefusal(command) ? "unknown" : command.type;
}
