import type { CloseCode } from "@tapedeck/protocol";
import type { CountCommand, sparing } from "@tapedeck/runtime";
import type { DamageReports } from "@tapedeck/tape";
import type { Counters } from "./counters.js";
import type { Socket } from "./listener.js";
import type { Pending, WakeUp } from "./wake-up.js";

export interface OutletLimits {
  /** Bytes kept back for a slow reader above which it gets nothing more until they drain. */
  readonly slowBytes: number;
  /** Milliseconds that more than that may be kept back before the socket is closed with 4408. */
  readonly slowCloseMs: number;
}

/** What all outlets of a gateway share. */
export interface OutletShare {
  readonly limits: OutletLimits;
  readonly wakeUp: WakeUp;
  readonly counters: Counters;
  /** Those that keep something back; the sweep looks at them. */
  readonly slow: Set<Outlet>;
  /** What this gateway has told of damaged blocks. */
  readonly damage: DamageReports;
  /** For what comes to all sockets at once. */
  readonly report: ReturnType<typeof sparing>;
  readonly countCommand: CountCommand;
}

/**
 * The way out to one socket. uWebSockets.js drops messages silently above its limit, so we never go near it: once more
 * than `slowBytes` are kept back the outlet is `blocked`, and whoever writes waits for `room()`.
 */
export class Outlet implements Pending {
  /** Too much is kept back: forward nothing. HOT: read once per frame. */
  blocked = false;
  #open = true;
  readonly #socket: Socket;
  readonly #share: OutletShare;
  /** What goes out at the end of this wake-up: nearly always one message, so one field. */
  #first: string | Uint8Array | undefined;
  readonly #rest: (string | Uint8Array)[] = [];
  /** A history is larger than what may be kept back otherwise; it alone does not make a socket slow. */
  #grace = 0;
  /** Since when more than `slowBytes` are kept back, on the monotonic clock. */
  #slowSince = 0;
  #waiting: (() => void)[] = [];

  readonly #onClose: () => void;

  /** @param onClose called when we close the socket; when the client does, its server tells. */
  constructor(socket: Socket, share: OutletShare, onClose: () => void) {
    this.#socket = socket;
    this.#share = share;
    this.#onClose = onClose;
  }

  get open(): boolean {
    return this.#open;
  }

  /** HOT: queues a message for the end of this wake-up. */
  queue(message: string | Uint8Array): void {
    if (this.#first === undefined) {
      this.#first = message;
      this.#share.wakeUp.add(this);
    } else {
      this.#rest.push(message);
    }
  }

  /** Sends now, behind what is queued. */
  send(message: string | Uint8Array): void {
    this.queue(message);
    this.flush();
  }

  /** Sends a message that may be kept back in its full length beside the usual limit. */
  sendHistory(message: string): void {
    this.#grace = Math.max(this.#grace, message.length);
    this.send(message);
    if (this.#slowSince === 0) this.#grace = 0;
  }

  flush(): void {
    const first = this.#first;
    if (first === undefined || !this.#open) return;
    this.#first = undefined;
    if (this.#rest.length === 0) {
      if (this.#write(first) !== 1) this.#look();
      return;
    }
    this.#socket.cork(() => {
      this.#write(first);
      for (const message of this.#rest) this.#write(message);
    });
    this.#rest.length = 0;
    this.#look(); // what a cork lets out is written at its end, so no answer of `send` tells
  }

  #write(message: string | Uint8Array): number {
    this.#share.counters.bytesSent += message.length;
    return this.#socket.send(message);
  }

  /** Resolves when no more than `slowBytes` are kept back, or the socket is closed. */
  room(): Promise<void> | undefined {
    if (!this.#open || this.#slowSince === 0) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  drained(): void {
    if (this.#slowSince !== 0) this.#look();
  }

  #look(): void {
    if (!this.#open) return;
    const { limits, slow } = this.#share;
    const kept = this.#socket.getBufferedAmount();
    if (kept <= limits.slowBytes) {
      if (this.#slowSince === 0) return;
      slow.delete(this);
      this.#slowSince = 0;
      this.#grace = 0;
      this.blocked = false;
      this.#release();
      return;
    }
    if (this.#slowSince === 0) {
      this.#slowSince = performance.now();
      slow.add(this);
    }
    this.blocked = kept > limits.slowBytes + this.#grace;
  }

  /** Looks again, since not every server tells of a drain. @returns whether the reader has been too slow for too long */
  sweep(now: number): boolean {
    this.#look();
    return this.#slowSince !== 0 && now - this.#slowSince > this.#share.limits.slowCloseMs;
  }

  close(code: CloseCode, reason: string): void {
    if (!this.#open) return;
    this.flush();
    const { closed } = this.#share.counters;
    closed.set(code, (closed.get(code) ?? 0) + 1);
    this.closed();
    this.#onClose();
    this.#socket.end(code, reason);
  }

  /** The socket is gone; nothing touches it from now on. */
  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#first = undefined;
    this.#rest.length = 0;
    this.#share.slow.delete(this);
    this.#release();
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
