import type { SessionView } from "@tapedeck/protocol";
import { TapedeckError } from "../errors.js";

interface Pending {
  readonly name: string;
  readonly resolve: (session: SessionView) => void;
  readonly reject: (error: TapedeckError) => void;
}

/** Commands on their way: sent, and not answered yet. */
export class PendingCommands {
  readonly #byId = new Map<string, Pending>();
  #last = 0;

  /** @param send called with the id that the answer will bear; where it throws, that is the outcome */
  add(name: string, send: (id: string) => void): Promise<SessionView> {
    const id = `c${++this.#last}`;
    return new Promise((resolve, reject) => {
      send(id);
      this.#byId.set(id, { name, resolve, reject });
    });
  }

  /** @returns whether there was such a command */
  settle(id: string | number, outcome: SessionView | TapedeckError): boolean {
    const pending = this.#byId.get(String(id));
    if (pending === undefined) return false;
    this.#byId.delete(String(id));
    if (outcome instanceof TapedeckError) pending.reject(outcome);
    else pending.resolve(outcome);
    return true;
  }

  /** The connection that would have brought the answers is gone. */
  interrupt(): void {
    const all = [...this.#byId.values()];
    this.#byId.clear();
    for (const { name, reject } of all) {
      const message = `The connection broke before ${name} was answered; it may have been carried out.`;
      reject(new TapedeckError("interrupted", message));
    }
  }
}
