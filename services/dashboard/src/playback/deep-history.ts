import type { StoreApi } from "zustand/vanilla";
import { type ClusterAddress, isFork, loadBookChanges, type TrackOwner, trackOwnerOf } from "../cluster-api";
import type { AnimationLoop } from "./animation-loop";
import { DepthChunk } from "./depth-chunk";
import type { FrameLog } from "./frame-log";
import type { PageState } from "./page-state";
import { RequestPacing } from "./request-pacing";
import { marketOf } from "./tape-loader";

/** Whose books they are. */
interface ShownSession {
  readonly store: StoreApi<PageState>;
  readonly address: ClusterAddress;
  readonly log: FrameLog;
  readonly isPlaying: boolean;
  readonly animation: AnimationLoop;
}

/** A part of a chunk, which one request loads. */
interface ChunkPart {
  readonly nth: number;
  readonly from: number;
  readonly to: number;
  /** The chunk whose later frames they are; undefined: they make a new one. */
  readonly grows: DepthChunk | undefined;
  /** As of `performance.now()`. */
  readonly notBefore: number;
}

/** Few enough that the newest frames are there soon, many enough that the whole book at their beginning costs little. */
const chunkFrames = 256;
/** Bounds what is loaded for one picture. A chunk of a busy market takes about half a megabyte. */
const mostWanted = 32;
const mostKept = 40;
/** While it plays, levels behind those of the newest frames are as old as this. */
const growMs = 1000;
/** Between two requests for chunks while it plays. */
const betweenMs = 150;

/**
 * The whole book over the frames that are on screen, from the tape's event track, while a view asks for it: in chunks, the newest first, with one request
 * at a time. Bounded.
 */
export class DeepHistory {
  /** Raised when another tape's chunks take the place of these. */
  revision = 0;
  readonly #shown: ShownSession;
  #tape = "";
  #chunks = new Map<number, DepthChunk>();
  readonly #pacing: RequestPacing;
  /** As of `performance.now()`: no request before for frames that a chunk lacks at its end. */
  #growNotBefore = 0;

  constructor(shown: ShownSession) {
    this.#shown = shown;
    this.#pacing = new RequestPacing(shown.animation);
    shown.store.subscribe(({ session }) => {
      if ((session?.tape ?? "") !== this.#tape) this.#changeTape(session?.tape ?? "");
    });
  }

  /** Whether the tape has an event track. */
  get isAvailable(): boolean {
    const { session, tape } = this.#shown.store.getState();
    return session?.tape != null && tape?.event_track === true;
  }

  /** Those that are loaded, at least in part, newest first. */
  get chunks(): readonly DepthChunk[] {
    return [...this.#chunks.values()].sort((a, b) => b.first - a.first);
  }

  /** The newest one that has a book of a frame or of one before it. */
  newestUpTo(seq: number): DepthChunk | undefined {
    return this.chunks.find(({ first }) => first <= seq);
  }

  /** The chunk that has the book of a frame; undefined while that is not loaded. */
  chunkWith(seq: number): DepthChunk | undefined {
    const chunk = this.#chunks.get(Math.floor(seq / chunkFrames));
    return chunk !== undefined && chunk.first <= seq && seq <= chunk.through ? chunk : undefined;
  }

  /**
   * Loads what is missing of the books of some frames, and then invalidates the views.
   *
   * @param first the first frame that is wanted
   * @param last the last one, at most the newest one that was received
   */
  want(first: number, last: number): void {
    const owner = trackOwnerOf(this.#shown.store.getState().session);
    if (!owner || !this.isAvailable || this.#pacing.isBusy) return;
    const next = this.#nextPart(first, last);
    if (next !== undefined) this.#pacing.request(() => this.#load(owner, next), next.notBefore);
  }

  #changeTape(tape: string): void {
    const last = this.#shown.log.last?.frame.seq ?? -1;
    // With each order the market goes on as another tape, which has the same books up to the playhead.
    const hasSamePast = isFork(tape) && marketOf(tape) === marketOf(this.#tape);
    const kept = hasSamePast ? [...this.#chunks].filter(([, chunk]) => chunk.through <= last) : [];
    this.#tape = tape;
    this.#chunks = new Map(kept);
    this.#pacing.notBefore = 0;
    this.#growNotBefore = 0;
    if (!hasSamePast) this.revision++;
  }

  /** The newest part that is missing; while the newest chunk may not grow yet, an older one. */
  #nextPart(first: number, last: number): ChunkPart | undefined {
    const newest = Math.floor(last / chunkFrames);
    const oldest = Math.max(Math.floor(first / chunkFrames), newest - mostWanted + 1);
    let later: ChunkPart | undefined;
    for (let nth = newest; nth >= oldest; nth--) {
      const chunk = this.#chunks.get(nth);
      const to = Math.min(last, (nth + 1) * chunkFrames - 1);
      if (chunk !== undefined && chunk.through >= to) continue;
      const part = { nth, from: chunk?.through ?? nth * chunkFrames, to, grows: chunk };
      if (chunk === undefined || nth < newest) return { ...part, notBefore: 0 };
      if (performance.now() >= this.#growNotBefore) return { ...part, notBefore: 0 };
      later = { ...part, notBefore: this.#growNotBefore };
    }
    return later;
  }

  async #load(owner: TrackOwner, { nth, from, to, grows }: ChunkPart): Promise<void> {
    const chunk = grows ?? new DepthChunk();
    try {
      const range = { fromSeq: from, toSeq: to, whole: grows === undefined };
      await loadBookChanges(this.#shown.address, owner, range, (line) => chunk.add(line));
      this.#pacing.notBefore = performance.now() + (this.#shown.isPlaying ? betweenMs : 0);
      // A growing tape may not have the newest events yet.
      const isPatient = this.#shown.isPlaying || chunk.through < to;
      this.#growNotBefore = performance.now() + (isPatient ? growMs : 0);
      if (chunk.through < to) this.#pacing.notBefore = this.#growNotBefore;
    } finally {
      // Also what came before a failure.
      if (owner.tape === this.#tape && !chunk.isEmpty) this.#keep(nth, chunk);
    }
  }

  /** Forgets those that are farthest from the one that was loaded last. */
  #keep(nth: number, chunk: DepthChunk): void {
    this.#chunks.set(nth, chunk);
    const far = [...this.#chunks.keys()].sort((a, b) => Math.abs(b - nth) - Math.abs(a - nth));
    for (const key of far.slice(0, Math.max(0, far.length - mostKept))) this.#chunks.delete(key);
  }
}
