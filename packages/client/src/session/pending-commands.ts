import type { SessionView } from "@tapedeck/protocol";
import { TapedeckError } from "../errors.js";

interface Pending {
  readonly name: string;
  readonly resolve: (session: SessionView) => void;
  readonly reject: (error: TapedeckError) => void;
}

/** Commands that were sent and are not answered yet. */
export class PendingCommands {
  readonly #byId = new Map<string, Pending>();
  #lastId = 0;

  /** @param send called with the id that the answer will have; if it throws, the promise rejects */
  add(name: string, send: (id: string) => void): Promise<SessionView> {
    const id = `c${++this.#lastId}`;
    return new Promise((resolve, reject) => {
      send(id);
      this.#byId.set(id, { name, resolve, reject });
    });
  }

  settle(id: string | number, outcome: SessionView | TapedeckError): void {
    const pending = this.#byId.get(String(id));
    if (pending === undefined) return;
    this.#byId.delete(String(id));
    if (outcome instanceof TapedeckError) pending.reject(outcome);
    else pending.resolve(outcome);
  }

  /** The connection was lost, and with it all answers. */
  interrupt(): void {
    const all = [...this.#byId.values()];
    this.#byId.clear();
    for (const { name, reject } of all) {
      const message = `The connection broke before ${name} was answered; it may have been carried out.`;
      reject(new TapedeckError("interrupted", message));
    }
  }
}
