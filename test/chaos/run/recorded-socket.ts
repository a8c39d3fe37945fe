import WebSocket from "ws";

/** What happens on a socket, in order. After `closed` nothing more is told. */
export interface SocketObserver {
  opened(): void;
  /** Returns what the SDK gets instead of the text. */
  received(text: string): string;
  closed(code: number, reason: string): void;
}

interface SocketEvent {
  readonly data: unknown;
  readonly code: number;
  readonly reason: string;
}

type EventType = "open" | "error" | "message" | "close";

/** The WebSocket of the SDK in this process: an observer sees every text as it came. */
export class RecordedSocket {
  readonly #socket: WebSocket;
  readonly #observer: SocketObserver;
  readonly #listeners = new Map<EventType, ((event: SocketEvent) => void)[]>();
  #over = false;

  constructor(url: string, protocols: string[], observer: SocketObserver) {
    this.#observer = observer;
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
    this.#socket = socket;
    socket.on("open", () => {
      if (this.#over) return;
      observer.opened();
      this.#emit("open", {});
    });
    socket.on("message", (bytes: Buffer) => {
      if (!this.#over) this.#emit("message", { data: observer.received(bytes.toString("latin1")) });
    });
    socket.on("error", () => {}); // a close follows
    socket.on("close", (code, reason) => {
      this.#end(code, `${reason}`);
      this.#emit("close", { code, reason: `${reason}` });
    });
  }

  get isOpen(): boolean {
    return !this.#over && this.#socket.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** The SDK leaves this socket: what still comes reaches nobody. */
  close(code?: number): void {
    this.#end(1006, "left");
    this.#socket.close(code);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: EventType, listener: (event: SocketEvent) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  #emit(type: EventType, event: Partial<SocketEvent>): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data: "", code: 0, reason: "", ...event });
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#observer.closed(code, reason);
  }
}
