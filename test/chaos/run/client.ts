import { setTimeout as sleep } from "node:timers/promises";
import { type Session, tapedeck } from "@tapedeck/client";
import type { Outcome, Token, View } from "../oracle/history.js";
import { message } from "./messages.js";
import type { Random } from "./random.js";
import { RecordedSocket } from "./recorded-socket.js";
import { now, type Recorder } from "./recorder.js";

/** A gateway by its name, which stays the same when the process behind it is another one. */
export interface Gateway {
  readonly name: string;
  /** Where it is now, or was last. */
  readonly url: string;
}

const frameStart = '{"type":"snapshot"';

/**
 * A viewer with the SDK's own connection: it finds silent nodes, dials and resumes by the SDK's rules and times. What comes and goes is
 * recorded at the socket.
 */
export class Client {
  readonly name: string;
  readonly #recorder: Recorder;
  readonly #gateways: () => readonly Gateway[];
  readonly #pending = new Map<string, (outcome: Outcome) => void>();
  #session: Session | undefined;
  #socket: RecordedSocket | undefined;
  #epoch = 0;
  #leaving = false;
  /** The name of the gateway that it was connected to last. */
  gateway = "";
  /** Frames that came live or in a history, all connections together. */
  frames = 0;
  lastSeq = -1;
  view: View | undefined;
  /** Why no reconnection makes sense; a session that is gone is a fault unless it was deleted. */
  gone: string | undefined;

  /** @param created the answer to the session's creation */
  constructor(name: string, recorder: Recorder, gateways: () => readonly Gateway[], created: unknown, random: Random) {
    this.name = name;
    this.#recorder = recorder;
    this.#gateways = gateways;
    void this.#watch(JSON.stringify(created), random);
  }

  get open(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  /** Sends a command over the socket; resolves when it is answered or the connection is lost. */
  command(id: string, name: string, args: Readonly<Record<string, unknown>>): Promise<Outcome> {
    this.#recorder.record({ kind: "command", id, via: this.name, name, args });
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      if (this.open) this.#socket?.send(JSON.stringify({ type: "command", id, command: name, ...args }));
      else this.#answer(id, { kind: "lost" });
    });
  }

  /** Cuts the connection, as a lost network does; it comes back by itself. */
  cut(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#leaving = true;
    this.#session?.close();
    this.#socket?.terminate();
  }

  async #watch(created: string, random: Random): Promise<void> {
    const gateways = this.#gateways().map(({ name }) => ({ address: `http://${name}`, place: random.next() }));
    const client = this;
    const sdk = tapedeck({
      url: "http://api",
      gateways: gateways.sort((a, b) => a.place - b.place).map(({ address }) => address),
      fetch: async () => new Response(created), // the session was created before, for all its viewers
      WebSocket: class extends RecordedSocket {
        constructor(url: string, protocols: string[]) {
          const { address, observer } = client.#dial(new URL(url));
          super(
            address,
            protocols,
            observer(() => this),
          );
          client.#socket = this;
        }
      },
    });
    while (!this.#leaving && this.gone === undefined) {
      try {
        const session = await sdk.open();
        this.#session = session;
        if (this.#leaving) session.close();
        session.onEnd(({ reason }) => {
          if (!this.#leaving) this.gone = reason;
        });
        return;
      } catch {
        await sleep(random.between(100, 300)); // no gateway serves at this moment
      }
    }
  }

  /** Where an address of the SDK leads, and what its socket tells. */
  #dial(url: URL) {
    const { name = "", url: at = "" } = this.#gateways().find((gateway) => gateway.name === url.hostname) ?? {};
    const [epoch, after] = [url.searchParams.get("epoch"), url.searchParams.get("after")];
    const token: Token | undefined = epoch && after ? { epoch: Number(epoch), after: Number(after) } : undefined;
    const viewer = this.name;
    const since = now();
    const observer = (socket: () => RecordedSocket) => ({
      opened: () => {
        this.gateway = name;
        this.#recorder.record({ kind: "dialled", viewer, gateway: at, token, since });
      },
      received: (text: string) => this.#receive(text),
      closed: (code: number, reason: string) => {
        this.#recorder.record({ kind: "closed", viewer, code });
        if (code === 4404 && !this.#leaving) this.gone = `closed with ${code} ${reason}`;
        if (socket() === this.#socket) for (const id of [...this.#pending.keys()]) this.#answer(id, { kind: "lost" });
      },
    });
    return { address: `${at.replace(/^http/, "ws")}${url.pathname}${url.search}`, observer };
  }

  /** Returns what the SDK reads: of frames only their numbers, since it keeps the newest ones as objects. */
  #receive(text: string): string {
    const at = now();
    const viewer = this.name;
    if (text.startsWith(frameStart)) {
      const frame = this.#recorder.frame(text);
      this.#recorder.record({ kind: "frame", viewer, frame }, at);
      this.#shown(frame.seq);
      return `{"type":"snapshot","seq":${frame.seq},"skipped":${frame.skipped}}`;
    }
    const received = message.parse(JSON.parse(text));
    switch (received.type) {
      case "session":
      case "state": {
        const { session } = received;
        this.#epoch = session.epoch;
        this.view = session;
        if (received.type === "session") this.#recorder.record({ kind: "session", viewer, view: session }, at);
        else this.#recorder.record({ kind: "state", viewer, cause: received.cause, view: session }, at);
        break;
      }
      case "history": {
        const frames = received.data.map((each) => this.#recorder.frame(JSON.stringify(each)));
        const { epoch, complete } = received;
        this.#epoch = epoch;
        this.#recorder.record({ kind: "history", viewer, epoch, complete, frames }, at);
        for (const { seq } of frames) this.#shown(seq);
        const data = frames.map(({ seq, skipped }) => ({ seq, skipped }));
        return JSON.stringify({ type: "history", data, epoch, complete });
      }
      case "ack":
        this.view = received.session;
        this.#answer(received.id, { kind: "done", view: received.session });
        break;
      case "error":
        if (received.id !== undefined) this.#answer(received.id, { kind: "refused", code: received.code });
        break;
      case "trade_event":
        this.#recorder.record({ kind: "fill", viewer, fill: received.data }, at);
        break;
      case "lag":
        this.#recorder.record({ kind: "lag", viewer, frames: received.frames }, at);
        break;
    }
    return text;
  }

  #shown(seq: number): void {
    this.frames++;
    this.lastSeq = seq;
  }

  #answer(id: string, outcome: Outcome): void {
    const resolve = this.#pending.get(id);
    if (resolve === undefined) return;
    this.#pending.delete(id);
    this.#recorder.record({ kind: "answer", id, outcome });
    resolve(outcome);
  }
}
