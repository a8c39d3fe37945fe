import { setTimeout as sleep } from "node:timers/promises";
import { now } from "./viewer.js";
import { type BalancedCluster, type SessionChoice, type WatchedSession, watchSessions } from "./watched-sessions.js";

export interface TimedRequest {
  readonly at: number;
  readonly ms: number;
  /** Why the request failed: the answer instead of 200. */
  readonly failure?: string;
}

/** Time between two requests, in ms. */
const pauseMs = 50;

/** Several users, in all modes, who send one command after the other through the balancer. */
export class CommandLoad {
  readonly sessions: readonly WatchedSession[];
  readonly requests: TimedRequest[] = [];
  readonly #cluster: BalancedCluster;
  readonly #running: Promise<unknown>;
  #over = false;

  static async start(cluster: BalancedCluster, choices: readonly SessionChoice[]): Promise<CommandLoad> {
    return new CommandLoad(cluster, await watchSessions(cluster, choices));
  }

  private constructor(cluster: BalancedCluster, sessions: readonly WatchedSession[]) {
    this.#cluster = cluster;
    this.sessions = sessions;
    this.#running = Promise.all(sessions.map((session) => this.#issueCommands(session)));
  }

  get failures(): string[] {
    return this.requests.flatMap(({ failure }) => failure ?? []);
  }

  /** Stops the commands. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  async #issueCommands({ id }: WatchedSession): Promise<void> {
    const round: readonly [method: string, path: string, body?: unknown][] = [
      ["POST", `/replay/pause/${id}`],
      ["POST", `/replay/step/${id}`, { frames: 1 }],
      ["POST", `/replay/resume/${id}`],
      ["GET", `/sessions/${id}`],
      ["POST", `/replay/speed/2/${id}`],
      ["POST", `/replay/goback/1/${id}`],
      ["POST", `/replay/speed/1/${id}`],
      ["GET", `/features?session_id=${id}`],
      ["POST", "/sessions/create", { session_id: `${id}-too` }],
      ["DELETE", `/sessions/${id}-too`],
    ];
    while (!this.#over) {
      for (const [method, path, body] of round) {
        const at = now();
        const failure = await this.#failure(method, path, body);
        this.requests.push({ at, ms: now() - at, ...(failure !== undefined && { failure }) });
        await sleep(pauseMs);
      }
    }
  }

  async #failure(method: string, path: string, body: unknown): Promise<string | undefined> {
    try {
      const { status, body: answer } = await this.#cluster.balanced.call(method, path, body);
      return status === 200 ? undefined : `${method} ${path}: ${status} ${JSON.stringify(answer).slice(0, 300)}`;
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? ` (${error.cause})` : "";
      return `${method} ${path}: ${error}${cause}`;
    }
  }
}
