import type { LoggedAction, SessionRecord } from "@tapedeck/sessions";
import { lastSharedFrame, type Seq, type Tape } from "@tapedeck/tape";
import pLimit from "p-limit";
import { decodeBody } from "../actions/action-body.js";
import type { ActionChains } from "../actions/action-chains.js";
import type { SessionCheckpoints } from "../checkpoint/session-checkpoints.js";
import type { EventWindows } from "../events/event-windows.js";
import { frameTime } from "../events/tape-clock.js";
import { type ChainSettings, decodeSettings } from "../settings.js";
import { ChainReplay } from "./chain-replay.js";
import type { Outcome } from "./look-ahead.js";
import type { ChainAction } from "./sent-actions.js";

/** What of a session says what its trading is. */
export type TradingRecord = Pick<SessionRecord, "id" | "createdAt" | "tape" | "chain" | "rev">;

/** An action that would be sent, and what its chain begins with. */
interface Foreseen {
  readonly settings: ChainSettings;
  readonly next: ChainAction;
}

/** A replay without actions goes on for so many frames; it would differ from one that begins anew in what it knows of the market before. */
const freshFrames = 600;

interface Reading {
  /** With this frame at least. */
  readonly seq: Seq;
  /** At this time at least, between that frame and the next one, in nanoseconds since 1970; absent: with the frame. */
  readonly ns?: bigint;
  /** Not with a later one. */
  readonly exactly?: boolean;
  /** With all messages of the frames after this one. */
  readonly after?: Seq;
}

/**
 * A session's trading in this process. The replay of its newest chain is kept, since it only has to go on with each frame; what differs from it,
 * such as a chain that a rewind undid, is replayed for its caller alone.
 */
export class SessionReplays {
  readonly #chains: ActionChains;
  readonly #windows: EventWindows;
  readonly #checkpoints: SessionCheckpoints;
  readonly #limit = pLimit(1);
  /** What waits until the kept replay is with a frame; without one if it is dropped. */
  #atFrame: ((replay: ChainReplay | undefined) => void) | undefined;
  #kept: { readonly replay: ChainReplay; readonly rev: number } | undefined;
  /** One without actions, for the first one. */
  #fresh: { readonly replay: ChainReplay; readonly key: string } | undefined;

  constructor(chains: ActionChains, windows: EventWindows, checkpoints: SessionCheckpoints) {
    this.#chains = chains;
    this.#windows = windows;
    this.#checkpoints = checkpoints;
  }

  /**
   * Reads the trading of a session's chain. One reader after the other. Rejects as reading tape and log does.
   */
  read<T>(
    record: TradingRecord,
    tape: Tape,
    { seq, ns, after, exactly = false }: Reading,
    look: (replay: ChainReplay) => T | Promise<T>,
  ): Promise<T> {
    return this.#limit(async () => {
      const kept = await this.#upToDate(record, tape, { seq, exactly });
      if (kept !== undefined && (after === undefined || after >= kept.told.keptAfter)) {
        await this.#advance(kept, seq, ns);
        return look(kept);
      }
      const replay = await this.#begin(record, tape, Math.min(seq, after ?? seq));
      const isNewest = this.#kept === undefined || this.#kept.rev <= record.rev;
      if (isNewest) this.#keep(replay, record.rev);
      await this.#advance(replay, seq, ns);
      return look(replay);
    });
  }

  #keep(replay: ChainReplay, rev: number): void {
    this.#atFrame?.(undefined); // what it waited for is another replay's matter
    this.#kept = { replay, rev };
  }

  /**
   * What becomes of an action that would be sent next, on a tape that does not grow; undefined if its place has passed. Rejects as `read` does.
   *
   * @param settings what the chain begins with if the session has no action yet
   */
  async foresee(
    record: TradingRecord,
    tape: Tape,
    seq: Seq,
    { settings, next }: Foreseen,
  ): Promise<Outcome | undefined> {
    const look = (replay: ChainReplay) => replay.foresee(next);
    if (!hasActions(record)) return this.#readFresh(tape, seq, settings, look);
    // After a rewind that undid nothing, the kept replay may be ahead of the action's place.
    return (await this.read(record, tape, { seq }, look)) ?? this.read(record, tape, { seq, exactly: true }, look);
  }

  /** Reads what `foresee` needs. Rejects as `read` does. */
  async getReady(record: TradingRecord, tape: Tape, seq: Seq, settings: ChainSettings): Promise<void> {
    const look = () => undefined;
    if (hasActions(record)) await this.read(record, tape, { seq }, look);
    else await this.#readFresh(tape, seq, settings, look);
  }

  /** A replay without actions, which begins as that of a first action there would. */
  #readFresh<T>(
    tape: Tape,
    seq: Seq,
    settings: ChainSettings,
    look: (replay: ChainReplay) => T | Promise<T>,
  ): Promise<T> {
    return this.#limit(async () => {
      const key = `${tape.id} ${JSON.stringify(settings)}`;
      const known = this.#fresh;
      const goesOn = known?.key === key && known.replay.seq <= seq && seq - known.replay.seq < freshFrames;
      const replay = goesOn
        ? known.replay
        : await ChainReplay.begin(tape, settings, await frameTime(tape, seq), this.#windows);
      this.#fresh = undefined;
      await replay.advance(seq);
      this.#fresh = { key, replay };
      return look(replay);
    });
  }

  async #advance(replay: ChainReplay, seq: Seq, ns?: bigint): Promise<void> {
    try {
      await replay.advance(seq);
      if (this.#kept?.replay === replay && !replay.isBetweenFrames) {
        this.#atFrame?.(replay);
        this.#keepCheckpoint(replay);
      }
      if (ns !== undefined) await replay.advanceWithin({ seq, ns });
    } catch (error) {
      if (this.#kept?.replay === replay) this.#drop(); // it stopped somewhere on the way
      throw error;
    }
  }

  #drop(): void {
    this.#kept = undefined;
    this.#atFrame?.(undefined);
  }

  /** In the background: what was asked for goes first. */
  #keepCheckpoint(replay: ChainReplay): void {
    if (this.#checkpoints.isDue(replay)) void this.#checkpoints.keep(replay, (look) => this.#withFrame(replay, look));
  }

  /** Looks at the kept replay while it is with a frame, now or when it reaches the next one; undefined if it is dropped before. */
  async #withFrame<T>(replay: ChainReplay, look: () => T): Promise<T | undefined> {
    const isKept = () => this.#kept?.replay === replay;
    const looked = await this.#limit(() => (isKept() && !replay.isBetweenFrames ? { found: look() } : undefined));
    if (looked !== undefined || !isKept()) return looked?.found;
    return new Promise((resolve, reject) => {
      this.#atFrame = (reached) => {
        this.#atFrame = undefined;
        try {
          resolve(reached === replay ? look() : undefined);
        } catch (error) {
          reject(error);
        }
      };
    });
  }

  /** The kept replay, if it can answer: with the session's actions added, or some more if they come after what is asked for. */
  async #upToDate(
    { tape: name, chain, rev }: TradingRecord,
    tape: Tape,
    { seq, exactly }: { seq: Seq; exactly: boolean },
  ): Promise<ChainReplay | undefined> {
    const kept = this.#kept;
    if (kept === undefined || chain === null || tape.id !== name) return undefined;
    const { replay } = kept;
    const shared = lastSharedFrame(replay.tape, tape);
    if (shared === undefined || (exactly && replay.reachedSeq > seq)) return undefined;
    // Up to an order that its market sees, a simulated tape is the one before it.
    const isOlder = rev < kept.rev;
    if ((isOlder ? seq : replay.reachedSeq) > shared) return undefined;
    const goesOn = () => {
      if (!isOlder || replay.tape.id === name) replay.tape = tape;
      return replay;
    };
    const last = replay.actions.at(-1);
    if (last === undefined) return undefined; // it began without an action, at no place
    if (last.number === chain.head && last.tag === chain.tag) return goesOn();
    const isEarlier = replay.actions.some(({ number, tag }) => number === chain.head && tag === chain.tag);
    if (isEarlier) return !exactly && isOlder ? goesOn() : undefined;
    const added = await this.#chains.actions(chain, last);
    if (added === undefined) return undefined;
    for (const action of added) if (!replay.append(actionOf(action, tape))) return undefined;
    this.#kept = { replay, rev: Math.max(rev, kept.rev) };
    return goesOn();
  }

  /** The replay of a chain, not further than a frame: from a checkpoint or from the chain's beginning. */
  async #begin({ chain }: TradingRecord, tape: Tape, atMost: Seq): Promise<ChainReplay> {
    if (chain === null) throw new RangeError("a session without actions has no trading to replay");
    const { body } = await this.#chains.root(chain);
    const actions = ((await this.#chains.actions(chain)) ?? []).map((action) => actionOf(action, tape));
    const settings = decodeSettings(body);
    const restored = await this.#checkpoints.restore(tape, settings, actions, atMost, this.#windows);
    if (restored !== undefined) return restored;
    const replay = await ChainReplay.begin(tape, settings, actions[0]?.sentNs, this.#windows);
    for (const action of actions) replay.append(action);
    return replay;
  }
}

/** HOT: once per frame of a session. */
export function hasActions({ chain }: Pick<SessionRecord, "chain">): boolean {
  return chain !== null && chain.head !== chain.root;
}

/** An action as a replay takes it. @throws if no release wrote it */
export function actionOf({ number, tag, ns, body }: LoggedAction, { startNs }: Pick<Tape, "startNs">): ChainAction {
  return { number, tag, sentNs: startNs + BigInt(ns), body: decodeBody(body) };
}
