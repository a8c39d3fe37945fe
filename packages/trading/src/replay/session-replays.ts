import type { LoggedAction, SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import pLimit from "p-limit";
import { decodeBody } from "../actions/action-body.js";
import type { ActionChains } from "../actions/action-chains.js";
import type { EventWindows } from "../events/event-windows.js";
import { frameTime } from "../events/tape-clock.js";
import { decodeSettings } from "../settings.js";
import { type ChainAction, ChainReplay } from "./chain-replay.js";

/** What of a session says what its trading is. */
export type TradingRecord = Pick<SessionRecord, "id" | "createdAt" | "tape" | "chain" | "rev">;

interface Reading {
  /** With this frame at least. */
  readonly seq: Seq;
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
  readonly #limit = pLimit(1);
  #kept: { readonly replay: ChainReplay; readonly rev: number } | undefined;

  constructor(chains: ActionChains, windows: EventWindows) {
    this.#chains = chains;
    this.#windows = windows;
  }

  /**
   * Reads the trading of a session's chain. One reader after the other. Rejects as reading tape and log does.
   */
  read<T>(
    record: TradingRecord,
    tape: Tape,
    { seq, after, exactly = false }: Reading,
    look: (replay: ChainReplay) => T | Promise<T>,
  ): Promise<T> {
    return this.#limit(async () => {
      const kept = await this.#upToDate(record, tape, { seq, exactly });
      if (kept !== undefined && (after === undefined || after >= kept.keptAfter)) {
        await this.#advance(kept, seq);
        return look(kept);
      }
      const replay = await this.#begin(record, tape);
      const isNewest = this.#kept === undefined || this.#kept.rev <= record.rev;
      if (isNewest) this.#kept = { replay, rev: record.rev };
      await this.#advance(replay, seq);
      return look(replay);
    });
  }

  async #advance(replay: ChainReplay, seq: Seq): Promise<void> {
    try {
      await replay.advance(seq);
    } catch (error) {
      if (this.#kept?.replay === replay) this.#kept = undefined; // it stopped somewhere between two frames
      throw error;
    }
  }

  /** The kept replay, if it can answer: with the session's actions added, or some more if they come after what is asked for. */
  async #upToDate(
    { tape: name, chain, rev }: TradingRecord,
    tape: Tape,
    { seq, exactly }: { seq: Seq; exactly: boolean },
  ): Promise<ChainReplay | undefined> {
    const kept = this.#kept;
    if (kept === undefined || chain === null || kept.replay.tape.id !== name) return undefined;
    const { replay } = kept;
    if (exactly && replay.seq > seq) return undefined;
    replay.tape = tape;
    const last = replay.actions.at(-1);
    if (last === undefined) return undefined; // it began without an action, at no place
    if (last.number === chain.head && last.tag === chain.tag) return replay;
    const isEarlier = replay.actions.some(({ number, tag }) => number === chain.head && tag === chain.tag);
    if (isEarlier) return !exactly && rev < kept.rev ? replay : undefined;
    const added = await this.#chains.actions(chain, last);
    if (added === undefined) return undefined;
    const shownNs = await frameTime(tape, Math.max(replay.seq, tape.span.firstSeq));
    for (const action of added) if (!replay.append(actionOf(action, tape), shownNs)) return undefined;
    this.#kept = { replay, rev: Math.max(rev, kept.rev) };
    return replay;
  }

  async #begin({ chain }: TradingRecord, tape: Tape): Promise<ChainReplay> {
    if (chain === null) throw new RangeError("a session without actions has no trading to replay");
    const { body } = await this.#chains.root(chain);
    const actions = ((await this.#chains.actions(chain)) ?? []).map((action) => actionOf(action, tape));
    const replay = await ChainReplay.begin(tape, decodeSettings(body), actions[0], this.#windows);
    for (const action of actions) replay.append(action, 0n);
    return replay;
  }
}

function actionOf({ number, tag, ns, body }: LoggedAction, { startNs }: Pick<Tape, "startNs">): ChainAction {
  return { number, tag, sentNs: startNs + BigInt(ns), body: decodeBody(body) };
}
