import { positionAt, type SessionRecord } from "@tapedeck/sessions";
import type { TapePosition } from "@tapedeck/tape";
import type { Venue } from "../context.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { Player } from "../player/player.js";

/** How far this process has looked at an epoch's trading. */
interface Looked {
  /** The latest place that was certain; undefined before the first. */
  place: TapePosition | undefined;
  /** The latest time of whose playhead was asked, on the monotonic clock. */
  at: number;
}

const looked = new WeakMap<PlayedEpoch, Looked>();

interface Account {
  readonly epoch: PlayedEpoch;
  /** The session, with what the account has sent. */
  readonly record: SessionRecord;
  readonly isOver: boolean;
}

/**
 * Up to where an account's trading is looked at. Actions are sent a moment ahead of the playhead, and mostly their messages are here by then; but this
 * process, Redis or the network may be held up, and what was said cannot be taken back.
 */
export class AccountPlayhead {
  readonly #account: Account;
  readonly #player: Player;
  readonly #venue: Pick<Venue, "now" | "trading">;

  constructor(account: Account, player: Player, venue: Pick<Venue, "now" | "trading">) {
    this.#account = account;
    this.#player = player;
    this.#venue = venue;
  }

  /** Learns of every action that was written by now. Rejects with `UNAVAILABLE`. */
  async catchUp(): Promise<void> {
    await this.#player.session?.catchUp();
  }

  /**
   * Where the playhead is, with all actions until there known, and never before a place where it has been: that would have to be worked out anew. Rejects
   * as `catchUp` does.
   */
  async place(): Promise<TapePosition> {
    for (;;) {
      const [now, at] = [this.#venue.now(), performance.now()];
      await this.catchUp();
      const known = this.#lookedAt(at);
      if (known.at > at) continue; // somebody has looked further meanwhile
      const place = await this.#placeAt(now);
      // What was looked at of a market that has begun anew is not of the present one.
      if (this.#account.isOver) return place;
      if (known.place === undefined || isBefore(known.place, place)) known.place = place;
      return known.place;
    }
  }

  /** Where the playhead is as far as this process knows: an action before that place may still be on its way here. */
  async knownPlace(): Promise<TapePosition> {
    this.#lookedAt(performance.now());
    return this.#placeAt(this.#venue.now());
  }

  #lookedAt(at: number): Looked {
    const { epoch } = this.#account;
    const known = looked.get(epoch) ?? { place: undefined, at };
    looked.set(epoch, known);
    known.at = Math.max(known.at, at);
    return known;
  }

  /** Not beyond an order that this process is writing. */
  async #placeAt(now: number): Promise<TapePosition> {
    const { record, epoch } = this.#account;
    const place = await positionAt(record, now, epoch.tape);
    const written = this.#venue.trading.beingWritten(record);
    if (written === undefined || written >= place.ns) return place;
    return { seq: Math.max(record.anchorSeq, await epoch.tape.seqAt(written)), ns: written };
  }
}

function isBefore(a: TapePosition, b: TapePosition): boolean {
  return a.ns < b.ns || (a.ns === b.ns && a.seq < b.seq);
}
