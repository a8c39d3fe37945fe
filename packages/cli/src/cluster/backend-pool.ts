import { Backend, type CheckTimes, type Condition, checkTimes } from "./backend.js";
import { acceptsConnections } from "./ports.js";

interface PoolOptions {
  /** What its services are called in the log. */
  readonly kind: string;
  readonly times?: CheckTimes | undefined;
  /** Gets a sentence when a service stops answering, and when it answers again. */
  readonly tell?: ((sentence: string) => void) | undefined;
}

/** On one machine a connection that is not refused is accepted at once, unless this process is too busy to notice. */
const connectMs = 5_000;

/** The better ones first. */
const ranks: Record<Condition, number> = { ready: 0, unready: 1, silent: 2, frozen: 2 };

/** All services of one kind: used in turn, as long as they answer. */
export class BackendPool {
  readonly #options: PoolOptions;
  readonly #backends = new Map<string, Backend>();
  #listed: readonly Backend[] = [];
  #next = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** The services that get new connections from now on. Connections to others stay open. */
  set(urls: readonly string[]): void {
    this.#listed = urls.map((url) => this.#backend(url));
    for (const backend of this.#backends.values()) backend.listed = this.#listed.includes(backend);
    this.#abortFrozen();
  }

  /**
   * The next service that is ready and accepts a connection; undefined if none accepts one. If none is ready, the next one that answers, and
   * if none answers, any: on a machine with too much work, all are late.
   * @param except one that has just failed: never picked
   */
  async pick(except?: Backend): Promise<Backend | undefined> {
    const listed = this.#listed.filter((backend) => backend !== except);
    const best = Math.min(...listed.map(({ condition }) => ranks[condition]));
    const first = this.#next++;
    const inTurn = (backends: readonly Backend[]) => backends.map((_, i) => backends[(first + i) % backends.length]);
    const isBest = ({ condition }: Backend) => ranks[condition] === best;
    const others = listed.filter((backend) => !isBest(backend));
    for (const backend of [...inTurn(listed.filter(isBest)), ...inTurn(others)]) {
      if (backend === undefined) continue;
      // A service that has just died is skipped before the supervisor reports it.
      const { hostname, port } = new URL(backend.url);
      if (await acceptsConnections({ host: hostname, port: Number(port) }, connectMs)) return backend;
    }
    return undefined;
  }

  stop(): void {
    for (const backend of this.#backends.values()) backend.stop();
  }

  #backend(url: string): Backend {
    const known = this.#backends.get(url);
    if (known !== undefined && !known.stopped) return known;
    const made: Backend = new Backend({
      url,
      times: this.#options.times ?? checkTimes,
      onChange: (before) => this.#changed(made, before),
    });
    this.#backends.set(url, made);
    return made;
  }

  #changed({ url, condition }: Backend, before: Condition): void {
    const { kind, tell } = this.#options;
    if (condition === "silent")
      tell?.(`the ${kind} at ${url} does not answer: it gets nothing new while another one answers`);
    else if (ranks[condition] < ranks[before] && ranks[before] === ranks.silent)
      tell?.(`the ${kind} at ${url} answers again`);
    this.#abortFrozen();
  }

  /** Clients of a frozen service connect to another, if there is one. If none answers, the machine is just slow, or there is nowhere to go. */
  #abortFrozen(): void {
    if (!this.#listed.some(({ condition }) => condition === "ready")) return;
    const { kind, tell } = this.#options;
    for (const backend of this.#backends.values()) {
      if (backend.condition !== "frozen") continue;
      const ended = backend.abortAll();
      if (ended > 0) tell?.(`the ${kind} at ${backend.url} is frozen: ${ended} connections to it were ended`);
    }
    this.#forgetStopped();
  }

  #forgetStopped(): void {
    for (const [url, backend] of this.#backends) if (backend.stopped) this.#backends.delete(url);
  }
}
