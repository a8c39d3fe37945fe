import { RefusedError, sessionNotFound } from "@tapedeck/protocol";
import { interval } from "@tapedeck/runtime";
import type { Presence } from "@tapedeck/sessions";
import type { FollowedSessions } from "../session/followed-sessions.js";
import { Player, type PlayerContext } from "./player.js";

/** How long a session without sockets is played on after the last request. */
const idleMs = 60_000;
/** How often the feeds of LIVE sessions are requested again. Requests expire later than that. */
const feedDemandMs = 15_000;
const tickMs = 1_000;

interface PlayersOptions {
  readonly sessions: FollowedSessions;
  readonly presence: Presence;
  readonly context: Omit<PlayerContext, "onPresence" | "onEnded">;
}

/** The sessions that this node plays: each once, for as long as bots use it. */
export class Players {
  readonly #options: PlayersOptions;
  readonly #players = new Map<string, Promise<Player>>();
  readonly #stop: () => void;

  constructor(options: PlayersOptions) {
    this.#options = options;
    this.#stop = interval(() => void this.#tick(), tickMs);
  }

  get size(): number {
    return this.#players.size;
  }

  /** The player of a session. Rejects with `SESSION_NOT_FOUND` and `UNAVAILABLE`. */
  async get(id: string): Promise<Player> {
    const known = this.#players.get(id);
    const player = await (known ?? this.#open(id));
    player.usedAt = performance.now();
    if (player.session?.ended) throw new RefusedError(sessionNotFound(id));
    return player;
  }

  #open(id: string): Promise<Player> {
    const { sessions, presence, context } = this.#options;
    const player: Player = new Player(id, {
      ...context,
      onPresence: ({ session }) => {
        if (session !== undefined) presence.changed(session);
      },
      onEnded: () => this.#remove(id, player),
    });
    const opening = sessions.follow(id, player).then((session) => {
      player.attach(session);
      return player;
    });
    this.#players.set(id, opening);
    opening.catch(() => {
      if (this.#players.get(id) === opening) this.#players.delete(id);
    });
    return opening;
  }

  #remove(id: string, player: Player): void {
    this.#players.delete(id);
    if (player.session !== undefined) this.#options.sessions.unfollow(player.session);
    player.close();
  }

  async #tick(): Promise<void> {
    const idleSince = performance.now() - idleMs;
    for (const [id, opening] of this.#players) {
      const player = await opening.catch(() => undefined);
      if (player === undefined) continue;
      if (player.clients === 0 && player.usedAt < idleSince) this.#remove(id, player);
      else player.renewDemand(feedDemandMs);
    }
  }

  /** Ends all of them. */
  async stop(): Promise<void> {
    this.#stop();
    const opened = await Promise.all([...this.#players.values()].map((opening) => opening.catch(() => undefined)));
    for (const player of opened) if (player !== undefined) this.#remove(player.id, player);
  }
}
