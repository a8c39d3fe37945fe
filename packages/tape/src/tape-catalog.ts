import type { OwnOrder } from "@tapedeck/market";
import { isoOfNs, RefusedError, type TapeNs, type TapeOverview, type TapeView } from "@tapedeck/protocol";
import { LRUCache } from "lru-cache";
import { OrdersNotFound, TapeNotFound, TrackNotFound } from "./errors.js";
import type { Manifest } from "./format/manifest.js";
import { type OverviewPoint, thinOverview } from "./format/overview.js";
import { BlockCache } from "./reading/block-cache.js";
import { RecordedTape, readManifest, readOverview, tapeViewOf } from "./reading/recorded-tape.js";
import type { ForkedTape, ReactingTape, ReadOrders, SettledOrder } from "./simulated/forks.js";
import { SimulatedTapes } from "./simulated/simulated-tapes.js";
import { beingRecorded, type DeletedVersion, deleteTape } from "./store/delete-tape.js";
import type { TapeStore } from "./store/store.js";
import { tapeVersions } from "./store/tape-versions.js";
import type { Tape } from "./tape.js";
import { parseTapeName, tapeName } from "./tape-id.js";
import { EventTrack } from "./track/event-track.js";
import type { StoredTrackFile } from "./track/track.js";
import { TrackFileContent } from "./track/track-file-content.js";

/** How long a listing of the store is good for choosing a tape by its symbol. */
const listingMs = 1_000;
/** Opened tapes that are kept; each holds its index, 64 bytes for 64 frames. */
const openTapes = 1_000;

/** A tape that is not finished, growing or not, as one process has it. */
export interface UnfinishedTape extends Tape {
  /** `view`, after looking whether it has an event track. Rejects with `UNAVAILABLE`. */
  listed(): Promise<TapeView>;
  /** Points of a line over all of it, oldest first: at most some thousands. */
  overview(): Promise<readonly OverviewPoint[]>;
}

/** Tapes that are not finished; `LiveTapes` of packages/live knows them. */
export interface UnfinishedTapes {
  /** Whether a tape of this name would be one that grew once, or grows. */
  isLive(name: string): boolean;
  /** Brought up to date. Undefined: it is finished, or there has never been one. Rejects with `UNAVAILABLE`. */
  open(name: string): Promise<UnfinishedTape | undefined>;
  /** Those that are growing. */
  list(): Promise<TapeView[]>;
}

/** A tape, and what its frames follow from. */
export interface NamedTape {
  readonly tape: Tape;
  /** Differs for tapes with different frames or events, and stays the same while a tape grows and when it is finished. */
  readonly content: string;
  /** `live`: it grows, or was made of one that grew. */
  readonly kind: "recorded" | "live" | "simulated";
}

/**
 * The tapes of a store, as one process sees them, those that are growing, and all that can be simulated. All share one cache
 * of blocks.
 */
export class TapeCatalog {
  readonly #store: TapeStore;
  readonly #cache: BlockCache;
  readonly #simulated: SimulatedTapes;
  readonly #live: UnfinishedTapes | undefined;
  readonly #log: TapeCatalogOptions["log"];
  readonly #opened = new LRUCache<string, Promise<RecordedTape>>({ max: openTapes });
  readonly #manifests = new LRUCache<string, Manifest>({ max: openTapes });
  #listing: { readonly manifests: Promise<Manifest[]>; readonly goodUntil: number } | undefined;

  constructor(store: TapeStore, { live, orders, log, ...blocks }: TapeCatalogOptions) {
    this.#store = store;
    this.#cache = "cache" in blocks ? blocks.cache : new BlockCache(blocks.cacheBytes);
    this.#live = live;
    this.#simulated = new SimulatedTapes(this.#cache, undefined, orders);
    this.#log = log;
  }

  /** Blocks in memory: the bytes they take, looks that found theirs, and blocks that had to be read. */
  get cache(): Pick<BlockCache, "bytes" | "hits" | "misses"> {
    return this.#cache;
  }

  /**
   * Opens `id@version`, or the newest version of `id`. A version stays the same object while it is in use.
   * Rejects with `TapeNotFound`, `UnknownTapeFormat` or `DamagedTape`, for live tapes also with `UNAVAILABLE`.
   */
  async open(name: string): Promise<Tape> {
    if (this.#simulated.isSimulated(name)) return this.#simulated.open(name);
    return (await this.#unfinished(name)) ?? this.#open(await this.#resolve(name));
  }

  /** Opens a tape to make files of it, which everyone who may read tapes gets. Rejects as `open` does, and with `TapeNotFound` for a session's own. */
  async openNamed(name: string): Promise<NamedTape> {
    if (this.#simulated.isFork(name)) throw new TapeNotFound(name);
    const tape = await this.open(name);
    const kind = this.kindOf(tape.id);
    if (kind !== "recorded") return { tape, content: tape.id, kind };
    const { blocks, book, trades, orders } = (await this.#manifestOf(tape.id)).files;
    const sums = [blocks, book, trades, orders].map((file) => file?.crc32 ?? 0);
    return { tape, content: [tape.id, ...sums].join(" "), kind };
  }

  /** What a tape of this name is, or would be. */
  kindOf(name: string): NamedTape["kind"] {
    if (this.#simulated.isSimulated(name)) return "simulated";
    const { version = 1 } = parseTapeName(name);
    return this.#live?.isLive(name) && version === 1 ? "live" : "recorded";
  }

  /**
   * What a session's user makes of a simulated tape by an order: a tape of their own. Undefined where the order gets nothing.
   * Rejects as `open` does.
   */
  fork(name: string, session: string, order: OwnOrder): Promise<ForkedTape | undefined> {
    return this.#simulated.fork(name, session, order);
  }

  /** The simulated tape whose market sees what an order took at a venue: see `SimulatedTapes.react`. */
  react(name: string, session: string, order: SettledOrder): Promise<ReactingTape | undefined> {
    return this.#simulated.react(name, session, order);
  }

  /** A simulated tape without what actions sent after `until` took: see `SimulatedTapes.undo`. Resolves to its `id@version`. */
  async undo(name: string, until: TapeNs): Promise<string> {
    return (await this.#simulated.undo(name, until)).id;
  }

  /**
   * Gets ready to make simulated tapes quickly: for services that play them, before they say that they are ready. One that cannot
   * is slower, and serves all the same.
   */
  async warmUp(): Promise<void> {
    try {
      await this.#simulated.warmUp();
    } catch (error) {
      this.#log?.warn({ err: error }, "simulated markets are not warmed up");
    }
  }

  /**
   * Tapes that are growing, then the current version of each finished one, the newest first. One that cannot be read is left out,
   * with a warning; so are growing ones while Redis is away. With `versions`, each finished tape also has its versions.
   */
  async list({ versions = false } = {}): Promise<TapeView[]> {
    const manifests = await this.#currentManifests(0);
    const finished = await Promise.all(manifests.map((manifest) => this.#viewOf(manifest, versions)));
    const known = new Set(finished.map(({ id }) => id));
    const growing = await (this.#live?.list() ?? Promise.resolve([])).catch((error: unknown) => {
      this.#log?.warn({ err: error }, "growing tapes left out of the list");
      return [];
    });
    return [...growing.filter(({ id }) => !known.has(id)), ...finished];
  }

  /** What `list` says of one tape. Rejects as `open` does. */
  async view(name: string, { versions = false } = {}): Promise<TapeView> {
    if (this.#simulated.isFork(name)) throw new TapeNotFound(name);
    if (this.#simulated.isSimulated(name)) return (await this.#simulated.open(name)).view();
    const unfinished = await this.#unfinished(name);
    if (unfinished !== undefined) return unfinished.listed();
    return this.#viewOf(await this.#manifestOf(await this.#resolveExisting(name)), versions);
  }

  /** A file of an event track as it is stored, for other tools. Rejects as `open` does, and with `TrackNotFound` or `OrdersNotFound`. */
  async trackFile(name: string, file: StoredTrackFile): Promise<TrackFileContent> {
    if (this.#simulated.isFork(name)) throw new TapeNotFound(name);
    if (this.#simulated.isSimulated(name)) throw new TrackNotFound(name);
    const unfinished = await this.#unfinished(name);
    if (unfinished !== undefined && !(unfinished.track instanceof EventTrack)) {
      throw new TrackNotFound(name, { growing: unfinished.track !== undefined });
    }
    const manifest = await this.#manifestOf(await this.#resolveExisting(name));
    if (manifest.track === undefined) throw new TrackNotFound(tapeName(manifest.id, manifest.version));
    if (file === "orders" && manifest.files.orders === undefined) {
      throw new OrdersNotFound(tapeName(manifest.id, manifest.version));
    }
    return new TrackFileContent(this.#store, manifest, file);
  }

  /**
   * Deletes `id@version`, or all versions of `id`; see `deleteTape`, which says what is refused unless forced. A simulated tape is
   * `TapeNotFound`, and one that grows `TapeInUse`.
   */
  async delete(name: string, { force = false } = {}): Promise<DeletedVersion[]> {
    await this.assertDeletable(name);
    try {
      return await deleteTape(this.#store, name, { force });
    } finally {
      this.#forget(parseTapeName(name).id);
    }
  }

  /** Rejects as `delete` does, forced or not. */
  async assertDeletable(name: string): Promise<void> {
    if (this.#simulated.isSimulated(name)) throw new TapeNotFound(name);
    if ((await this.#unfinished(name)) !== undefined) throw beingRecorded(parseTapeName(name).id);
  }

  /** Forgets what it knows of a tape's versions, so that those that are gone are missed. */
  #forget(id: string): void {
    for (const known of [this.#opened, this.#manifests]) {
      for (const name of known.keys()) if (parseTapeName(name).id === id) known.delete(name);
    }
    this.#listing = undefined;
  }

  /**
   * The tape to play for what a user asked for: by id, else the newest finished one of a symbol (and a source), else
   * `defaultTape` where it exists, else the newest of all. What feeds recorded is taken only where nothing else fits: otherwise
   * watching a market live would change what other users play. Undefined if there is none.
   */
  async choose(
    choice: { readonly tape?: string; readonly symbol?: string; readonly source?: string },
    defaultTape?: string,
  ): Promise<Tape | undefined> {
    if (choice.tape !== undefined)
      return this.#simulated.isFork(choice.tape) ? undefined : openIfExists(choice.tape, this);
    if (choice.symbol === undefined && choice.source === undefined && defaultTape) {
      const tape = await openIfExists(defaultTape, this);
      if (tape !== undefined) return tape;
    }
    const fits = (manifest: Manifest) =>
      sameWord(choice.symbol, manifest.symbol) && sameWord(choice.source, manifest.source);
    const best = (manifests: readonly Manifest[]) => {
      const fitting = manifests.filter(fits);
      return fitting.find(({ id }) => !this.#live?.isLive(id)) ?? fitting[0];
    };
    const found = best(await this.#currentManifests(listingMs)) ?? best(await this.#currentManifests(0));
    return found && this.#open(tapeName(found.id, found.version));
  }

  /**
   * A line of at most `points` points for a scrubber, with gaps and events marked. Needs no block. Rejects as `open` does, and with the
   * signal's reason once that aborts.
   */
  async overview(name: string, points: number, signal?: AbortSignal): Promise<TapeOverview> {
    if (this.#simulated.isFork(name)) throw new TapeNotFound(name);
    if (this.#simulated.isSimulated(name)) return this.#simulated.overview(name, points, signal);
    const unfinished = await this.#unfinished(name);
    if (unfinished !== undefined) {
      return overviewOf(unfinished.view(), (ns) => unfinished.iso(ns), await unfinished.overview(), points);
    }
    const manifest = await this.#manifestOf(await this.#resolveExisting(name));
    const startNs = BigInt(manifest.start_ns);
    const iso = (ns: number) => isoOfNs(startNs + BigInt(ns), manifest.decimals);
    return overviewOf(tapeViewOf(manifest), iso, await readOverview(this.#store, manifest), points);
  }

  /** A version that was opened when it was finished is not asked about again. */
  async #unfinished(name: string): Promise<UnfinishedTape | undefined> {
    if (this.#live === undefined || !this.#live.isLive(name) || this.#opened.has(name)) return undefined;
    const { version = 1 } = parseTapeName(name);
    return version === 1 ? this.#live.open(name) : undefined;
  }

  async #resolve(name: string): Promise<string> {
    const { id, version = await this.#store.current(id) } = parseTapeName(name);
    if (version === undefined) throw new TapeNotFound(name);
    return tapeName(id, version);
  }

  /** Manifests are remembered, and so a version that was deleted meanwhile would still be found. */
  async #resolveExisting(name: string): Promise<string> {
    const { id, version } = parseTapeName(name);
    if (version !== undefined && !(await this.#store.versions(id)).includes(version)) throw new TapeNotFound(name);
    return this.#resolve(name);
  }

  async #viewOf(manifest: Manifest, withVersions: boolean): Promise<TapeView> {
    const view = tapeViewOf(manifest);
    if (!withVersions) return view;
    const { id } = manifest;
    const read = (version: number) => this.#manifestOf(tapeName(id, version));
    return { ...view, versions: await tapeVersions(this.#store, id, read) };
  }

  #open(name: string): Promise<RecordedTape> {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const { id, version = 0 } = parseTapeName(name);
    const opening = RecordedTape.open(this.#store, id, version, this.#cache);
    this.#opened.set(name, opening);
    opening.catch(() => this.#opened.delete(name)); // the next caller tries again
    return opening;
  }

  async #manifestOf(name: string): Promise<Manifest> {
    const known = this.#manifests.get(name);
    if (known !== undefined) return known;
    const { id, version = 0 } = parseTapeName(name);
    const manifest = await readManifest(this.#store, id, version);
    this.#manifests.set(name, manifest);
    return manifest;
  }

  /** The current version of each tape, newest first, from a listing that is at most `maxAgeMs` old. */
  #currentManifests(maxAgeMs: number): Promise<Manifest[]> {
    const now = performance.now();
    if (this.#listing !== undefined && maxAgeMs > 0 && now < this.#listing.goodUntil) return this.#listing.manifests;
    const manifests = this.#readCurrent();
    this.#listing = { manifests, goodUntil: now + listingMs };
    manifests.catch(() => {
      this.#listing = undefined;
    });
    return manifests;
  }

  async #readCurrent(): Promise<Manifest[]> {
    const manifests = await Promise.all(
      (await this.#store.ids()).map(async (id) => {
        try {
          return [await this.#manifestOf(await this.#resolve(id))];
        } catch (error) {
          if (!(error instanceof TapeNotFound)) this.#log?.warn({ err: error, tape: id }, "tape left out of the list");
          return [];
        }
      }),
    );
    return manifests
      .flat()
      .sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || (a.id < b.id ? -1 : 1));
  }
}

function overviewOf(
  { id, gaps }: TapeView,
  iso: (ns: number) => string,
  points: readonly OverviewPoint[],
  most: number,
): TapeOverview {
  const line = thinOverview(points, most);
  return {
    id,
    points: line.map(({ ns, seq, price, low, high }) => ({ ts: iso(ns), seq, price, low, high })),
    gaps,
    events: line.flatMap(({ event }) =>
      event === undefined ? [] : [{ ts: iso(event.ns), seq: event.seq, type: event.type, severity: event.severity }],
    ),
  };
}

type TapeCatalogOptions = {
  /** Without, tapes are known only when they are finished. */
  readonly live?: UnfinishedTapes;
  /** Orders in simulated markets; without, none is known. */
  readonly orders?: ReadOrders;
  readonly log?: { warn(details: object, message: string): void };
} & (
  | {
      /** Bound of the decompressed blocks in memory, at least 8 MiB. */
      readonly cacheBytes: number;
    }
  | {
      /** The cache of blocks, where others of this process share it. */
      readonly cache: BlockCache;
    }
);

function sameWord(wanted: string | undefined, found: string): boolean {
  return wanted === undefined || wanted.toUpperCase() === found.toUpperCase();
}

/** Opens a tape of the catalog, or of what has its `open`; undefined if the tape does not exist (any more). */
export async function openIfExists<T>(name: string, tapes: { open(name: string): Promise<T> }): Promise<T | undefined> {
  try {
    return await tapes.open(name);
  } catch (error) {
    if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") return undefined;
    throw error;
  }
}
