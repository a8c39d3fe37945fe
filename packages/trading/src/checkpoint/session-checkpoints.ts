import { createHash } from "node:crypto";
import type { CheckpointStore, KeptCheckpoints, SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import { ordersOf as ordersOfAction } from "../actions/order-list.js";
import type { EventWindows } from "../events/event-windows.js";
import type { Ledger } from "../ledger/ledger.js";
import { ChainReplay } from "../replay/chain-replay.js";
import type { ChainAction } from "../replay/sent-actions.js";
import { type ChainSettings, encodeSettings } from "../settings.js";
import { checkpointText, historyText, packed, readCheckpoint, readHistory } from "./checkpoint.js";
import {
  type CheckpointHead,
  type CheckpointIndex,
  chunkField,
  chunksUpTo,
  decodeIndex,
  encodeIndex,
  fitted,
  type HistoryChunk,
  headField,
  neededChunks,
  thinned,
} from "./checkpoint-index.js";
import type { FindSent } from "./ledger-rows.js";

/** When a process that has a replay of a session keeps a checkpoint of it. */
export interface CheckpointPace {
  /** Frames after the last one. Replaying so many takes some ten milliseconds. */
  readonly frames: number;
  /** Or so many actions after it. */
  readonly actions: number;
  /** But not within this time, in ms, of the last one of this process. */
  readonly everyMs: number;
}

const usualPace: CheckpointPace = { frames: 256, actions: 500, everyMs: 5_000 };

/** What checkpoints may take of Redis: so much, and so much more for each order. The log of actions takes about 90 bytes for one. */
const budget = { bytes: 1_024, perOrder: 100 };

/** One that does not fit is not made again within this time: the orders of a whole market may be in it. */
const tooLargeMs = 60_000;

/** A part of history that has so many orders and fills is not rewritten any more. */
const fullChunk = 256;

/** How far a replay is. */
type Place = Pick<ChainReplay, "seq" | "sent">;

/** A part of what is kept, before it is compressed. */
interface Draft<Part> {
  readonly part: Omit<Part, "bytes">;
  readonly text: string;
}

interface Planned {
  readonly head: Draft<CheckpointHead>;
  /** Undefined if nothing has ended since the checkpoint before. */
  readonly chunk: Draft<HistoryChunk> | undefined;
  /** What there is of the replay's chain. */
  readonly before: CheckpointIndex;
  /** What else there is, and goes. */
  readonly foreign: readonly string[] | "all";
  readonly orders: number;
}

/**
 * Checkpoints of a session's replay: a cache in Redis, from which any process goes on instead of replaying a chain from its first action. Every process
 * that has a replay keeps some, and reads those of others. Whatever is lost or wrong costs time only, so nothing here rejects.
 */
export class SessionCheckpoints {
  readonly #session: Pick<SessionRecord, "id" | "createdAt">;
  readonly #store: CheckpointStore;
  readonly #pace: CheckpointPace;
  /** Up to where this process knows of a checkpoint of a replay. */
  readonly #known = new WeakMap<ChainReplay, Place>();
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #isKeeping = false;

  constructor(
    session: Pick<SessionRecord, "id" | "createdAt">,
    store: CheckpointStore,
    pace: CheckpointPace = usualPace,
  ) {
    this.#session = session;
    this.#store = store;
    this.#pace = pace;
  }

  /** The replay of a chain from its newest checkpoint that is not after a frame; undefined if there is none. */
  async restore(
    tape: Tape,
    settings: ChainSettings,
    actions: readonly ChainAction[],
    atMost: Seq,
    windows: EventWindows,
  ): Promise<ChainReplay | undefined> {
    try {
      const index = decodeIndex((await this.#store.read(this.#session.id))?.index ?? "");
      if (index?.tape !== tape.id || index.settings !== digestOf(settings)) return undefined;
      const { startNs, span } = tape;
      for (const head of index.heads.toReversed()) {
        if (head.seq > atMost || head.seq < span.firstSeq || sentBy({ actions, startNs }, head) === 0) continue;
        const replay = await this.#from(head, index, tape, settings, actions, windows);
        if (replay !== undefined) return replay;
      }
    } catch {
      // Redis may be away, or another release have written it: the beginning of the chain is always there.
    }
    return undefined;
  }

  async #from(
    head: CheckpointHead,
    { chunks }: CheckpointIndex,
    tape: Tape,
    settings: ChainSettings,
    actions: readonly ChainAction[],
    windows: EventWindows,
  ): Promise<ChainReplay | undefined> {
    try {
      const history = chunksUpTo(chunks, head.chunk);
      if (history === undefined) return undefined;
      const fields = [headField(head.part), ...history.map(({ part }) => chunkField(part))];
      const [state, ...parts] = await this.#store.parts(this.#session.id, fields);
      if (!state) return undefined;
      const read = await Promise.all(parts.map((part) => part && readHistory(part)));
      const ended = read.flatMap((part) => part?.ended ?? []).slice(0, head.ended);
      const fills = read.flatMap((part) => part?.fills ?? []).slice(0, head.fills);
      if (ended.length < head.ended || fills.length < head.fills) return undefined;
      const saved = await readCheckpoint(state, { ended, fills }, ordersOf(actions));
      // A part of another chain, or of another place, may well be readable.
      const isNamed =
        saved.state.seq === head.seq && saved.state.sent === sentBy({ actions, startNs: tape.startNs }, head);
      if (!isNamed) return undefined;
      return await ChainReplay.restore(tape, settings, actions, saved, windows);
    } catch {
      return undefined; // broken, or the tape does not have that place any more: an older one may be good
    }
  }

  /** HOT: once per frame of a session. Whether a replay has gone so far that a checkpoint is worth its writing. */
  isDue(replay: ChainReplay): boolean {
    if (this.#isKeeping || replay.sent === 0) return false;
    const known = this.#known.get(replay) ?? replay.began;
    return this.#isFurther(replay, known) && performance.now() >= this.#notBeforeMs;
  }

  /**
   * Writes a checkpoint, unless another process has by now.
   *
   * @param whileStill calls a function while the replay does not move; undefined if it can't be used any more
   */
  async keep(replay: ChainReplay, whileStill: <T>(look: () => T) => Promise<T | undefined>): Promise<void> {
    this.#isKeeping = true;
    this.#notBeforeMs = performance.now() + this.#pace.everyMs;
    try {
      const kept = await this.#store.read(this.#session.id);
      const planned = await whileStill(() => this.#plan(replay, kept));
      if (planned !== undefined) await this.#write(planned, kept);
    } catch {
      // Redis may be away: the next one comes soon.
    } finally {
      this.#isKeeping = false;
    }
  }

  #isFurther(one: Place, than: Place): boolean {
    const frames = one.seq - than.seq;
    return frames >= this.#pace.frames || (frames > 0 && one.sent - than.sent >= this.#pace.actions);
  }

  #plan(replay: ChainReplay, kept: KeptCheckpoints | undefined): Planned | undefined {
    const { ledger, seq, sent } = replay;
    const last = replay.actions[sent - 1];
    if (last === undefined) return undefined;
    const own = { tape: replay.tape.id, settings: digestOf(replay.settings) };
    const there = decodeIndex(kept?.index ?? "");
    const isOwn = there?.tape === own.tape && there.settings === own.settings;
    const { startNs } = replay.tape;
    const chain = { actions: replay.actions, startNs };
    const places = (isOwn ? there.heads : []).map((head) => ({ head, sent: sentBy(chain, head) }));
    const heads = places.filter((place) => place.sent > 0).map(({ head }) => head);
    const newest = places.findLast((place) => place.sent > 0);
    const known = newest && { seq: newest.head.seq, sent: newest.sent };
    if (known !== undefined && !this.#isFurther({ seq, sent }, known)) {
      this.#known.set(replay, known.seq > seq ? { seq, sent } : known);
      return undefined;
    }
    this.#known.set(replay, { seq, sent });
    const part = (kept?.number ?? 0) + 1;
    const before = { ...own, heads, chunks: isOwn ? there.chunks : [] };
    const chunk = historySince(ledger, before, part);
    const head = {
      part,
      number: last.number,
      tag: last.tag,
      seq,
      ns: Number(replay.shownNs - startNs),
      ended: ledger.ended.length,
      fills: ledger.fills.length,
      chunk: chunk?.part.part ?? newest?.head.chunk ?? 0,
    };
    const foreign = places.filter((place) => place.sent === 0).map((place) => headField(place.head.part));
    return {
      head: { part: head, text: checkpointText(replay.state(), ledger) },
      chunk,
      before,
      foreign: isOwn ? foreign : "all",
      orders: ledger.orders.size,
    };
  }

  async #write({ head, chunk, before, foreign, orders }: Planned, kept: KeptCheckpoints | undefined): Promise<void> {
    const [ofHead, ofChunk] = await Promise.all([packed(head.text), chunk && packed(chunk.text)]);
    const newHead = { ...head.part, bytes: ofHead.length };
    const newChunks = chunk && ofChunk ? [{ ...chunk.part, bytes: ofChunk.length }] : [];
    const heads = thinned([...before.heads, newHead]);
    const chunks = [...before.chunks.filter(({ part }) => part !== chunk?.part.part), ...newChunks];
    const most = budget.bytes + budget.perOrder * orders;
    const index = fitted({ ...before, heads, chunks: neededChunks(heads, chunks) }, most);
    if (index === undefined) {
      this.#notBeforeMs += tooLargeMs;
      return;
    }
    const names = new Set(fieldsOf(index));
    const parts = new Map([[headField(newHead.part), ofHead]]);
    if (chunk && ofChunk) parts.set(chunkField(chunk.part.part), ofChunk);
    await this.#store.keep({
      record: this.#session,
      number: kept?.number ?? 0,
      index: encodeIndex(index),
      dropped: foreign === "all" ? foreign : [...foreign, ...fieldsOf(before).filter((name) => !names.has(name))],
      parts,
    });
  }
}

/** What has ended since the newest checkpoint, as a part of history of its own or with the one before, while that is short. */
function historySince(
  ledger: Ledger,
  { heads, chunks }: CheckpointIndex,
  newPart: number,
): Draft<HistoryChunk> | undefined {
  const [ended, fills] = [ledger.ended.length, ledger.fills.length];
  const base = heads.at(-1) ?? { ended: 0, fills: 0, chunk: 0 };
  if (ended === base.ended && fills === base.fills) return undefined;
  const tail = chunks.find(({ part }) => part === base.chunk);
  const start = { ended: tail?.ended[0] ?? 0, fills: tail?.fills[0] ?? 0 };
  // After a rewind, it may go on with what was undone.
  const isWhole = tail?.ended[1] === base.ended && tail.fills[1] === base.fills;
  const isFull = ended - start.ended + fills - start.fills > fullChunk;
  const from = isWhole && isFull ? base : start;
  return {
    part: {
      part: isWhole && !isFull ? tail.part : newPart,
      after: isWhole && isFull ? tail.part : (tail?.after ?? 0),
      ended: [from.ended, ended],
      fills: [from.fills, fills],
    },
    text: historyText(ledger, from),
  };
}

function fieldsOf({ heads, chunks }: CheckpointIndex): string[] {
  return [...heads.map(({ part }) => headField(part)), ...chunks.map(({ part }) => chunkField(part))];
}

/** How many actions of a chain had been sent by a checkpoint; 0 if it is of another chain, or if the chain has had another action before it since. */
function sentBy(
  { actions, startNs }: { readonly actions: readonly ChainAction[]; readonly startNs: bigint },
  { number, tag, ns }: CheckpointHead,
): number {
  const at = actions.findLastIndex((action) => action.number === number && action.tag === tag);
  const next = actions[at + 1];
  return next !== undefined && next.sentNs < startNs + BigInt(ns) ? 0 : at + 1;
}

function ordersOf(actions: readonly ChainAction[]): FindSent {
  const sent = new Map<string, ReturnType<FindSent>>();
  for (const { number, sentNs, body } of actions) {
    for (const placed of ordersOfAction({ number, body }))
      sent.set(`${placed.number}`, { order: placed.order, createdNs: sentNs });
  }
  return (id) => sent.get(id);
}

function digestOf(settings: ChainSettings): string {
  return createHash("sha1").update(encodeSettings(settings)).digest("base64url").slice(0, 12);
}
