import { RefusedError, refuse, type TapeNs } from "@tapedeck/protocol";
import type { ActionChain, LoggedAction, SessionStore } from "@tapedeck/sessions";

/** Lines that are read at once: the newest, which also replaces what Redis has lost since, and then twice as many each time. */
const linesPerRead = { newest: 200, most: 6_400 };

/** A session's log of actions, as far as this process has read it. */
export class ActionChains {
  readonly #id: string;
  readonly #store: Pick<SessionStore, "actions">;
  readonly #lines = new Map<number, LoggedAction>();
  #newest = 0;
  #perRead = linesPerRead.newest;

  constructor(id: string, store: Pick<SessionStore, "actions">) {
    this.#id = id;
    this.#store = store;
  }

  /** The line that a chain begins with. Rejects with `UNAVAILABLE`. */
  async root({ root }: Pick<ActionChain, "root">): Promise<LoggedAction> {
    return this.#line(root);
  }

  /**
   * The actions of a chain, oldest first, from the one after `known` on; undefined if the chain does not have that one. Without `known`, all of them.
   * Rejects with `UNAVAILABLE`, also where Redis has lost some of them.
   */
  async actions(chain: ActionChain, known?: { number: number; tag: string }): Promise<LoggedAction[] | undefined> {
    const actions: LoggedAction[] = [];
    const last = await this.#find(chain, (line) => {
      const isKnown = line.number === known?.number && line.tag === known.tag;
      if (!isKnown) actions.push(line);
      return isKnown || line.number <= (known?.number ?? 0);
    });
    return known?.number === last?.number && known?.tag === last?.tag ? actions.reverse() : undefined;
  }

  /**
   * When the first action of a chain after a known one was sent, in nanoseconds since the tape's start; the chain's first one if the chain does not have
   * the known one; undefined if it has none. Rejects as `actions` does.
   *
   * @param known its number
   */
  async sentAfter(chain: ActionChain, known: number | undefined): Promise<TapeNs | undefined> {
    let ns: TapeNs | undefined;
    await this.#find(chain, (line) => {
      if (line.number === known) return true;
      ns = line.ns;
      return false;
    });
    return ns;
  }

  /** The newest action of a chain with such a body. Rejects as `actions` does. */
  async newestOf(chain: ActionChain, isWanted: (body: string) => boolean): Promise<LoggedAction | undefined> {
    return this.#find(chain, ({ body }) => isWanted(body));
  }

  /** The newest line of a chain that is wanted; undefined if none is. */
  async #find(
    { root, head, tag }: ActionChain,
    isWanted: (line: LoggedAction) => boolean,
  ): Promise<LoggedAction | undefined> {
    if ((await this.#line(head)).tag !== tag) this.#forget(); // Redis has lost lines and given their numbers again
    for (let number = head; number !== root; ) {
      const line = this.#lines.get(number) ?? (await this.#line(number));
      if (isWanted(line)) return line;
      number = line.after;
    }
    return undefined;
  }

  #forget(): void {
    this.#lines.clear();
    this.#newest = 0;
  }

  async #line(number: number): Promise<LoggedAction> {
    const known = this.#lines.get(number);
    if (known !== undefined) return known;
    this.#perRead = number > this.#newest ? linesPerRead.newest : Math.min(this.#perRead * 2, linesPerRead.most);
    this.#newest = Math.max(this.#newest, number);
    const from = Math.max(1, number - this.#perRead + 1);
    for (const line of await this.#store.actions(this.#id, from, number)) this.#lines.set(line.number, line);
    const line = this.#lines.get(number);
    if (line !== undefined) return line;
    throw new RefusedError(refuse("UNAVAILABLE", `Redis lacks action ${number} of session ${this.#id}. Try again.`));
  }
}
