import { type Mode, type PlaybackState, RefusedError, refuse } from "@tapedeck/protocol";
import { type StoredSession, UnreadableSession } from "./record-codec.js";
import type { IndexedSession, SessionIndex } from "./session-index.js";

export interface ListQuery {
  /** 1 to 1000 */
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly state?: PlaybackState | undefined;
}

export interface ListPage {
  readonly sessions: readonly StoredSession[];
  /** Null after the last page. A page before it is full. */
  readonly nextCursor: string | null;
  readonly total: number;
  readonly active: number;
  readonly paused: number;
}

interface ListedStore {
  readonly index: Pick<SessionIndex, "counts" | "page">;
  read(id: string): Promise<StoredSession | undefined>;
}

export async function listSessions(store: ListedStore, { cursor, ...query }: ListQuery): Promise<ListPage> {
  const [page, counts] = await Promise.all([
    fillPage(store, cursor === undefined ? undefined : decodeCursor(cursor), query),
    store.index.counts(),
  ]);
  return {
    ...page,
    total: counts.total,
    active: counts.states.get("PLAYING") ?? 0,
    paused: counts.states.get("PAUSED") ?? 0,
  };
}

/**
 * The index lists candidates; their hashes decide which exist and match. The index is read until the page is full or there are no
 * more, so that a page with a cursor is never empty.
 */
async function fillPage(
  store: ListedStore,
  cursor: IndexedSession | undefined,
  { limit, mode, state }: Omit<ListQuery, "cursor">,
): Promise<Pick<ListPage, "sessions" | "nextCursor">> {
  const filter = { ...(state && { state }), ...(mode && { mode }) };
  const sessions: StoredSession[] = [];
  let last = cursor;
  for (;;) {
    const entries = await store.index.page(filter, last, limit);
    const found = await Promise.all(entries.map(({ id }) => readIfReadable(store, id)));
    for (const [nth, session] of found.entries()) {
      if (sessions.length === limit) break;
      last = entries[nth];
      if (session === undefined) continue;
      const { record } = session;
      if ((state ?? record.state) === record.state && (mode ?? record.mode) === record.mode) sessions.push(session);
    }
    if (sessions.length === limit && last !== undefined) return { sessions, nextCursor: encodeCursor(last) };
    if (entries.length < limit) return { sessions, nextCursor: null };
  }
}

/** A hash that was corrupted by hand does not prevent listing the others. */
async function readIfReadable(store: Pick<ListedStore, "read">, id: string): Promise<StoredSession | undefined> {
  try {
    return await store.read(id);
  } catch (error) {
    if (error instanceof UnreadableSession) return undefined;
    throw error;
  }
}

function encodeCursor({ id, score }: IndexedSession): string {
  return `${score}~${id}`;
}

function decodeCursor(text: string): IndexedSession {
  const [, score, id] = /^(\d+(?:\.\d+)?)~(.+)$/.exec(text) ?? [];
  if (score === undefined || id === undefined) {
    throw new RefusedError(refuse("INVALID_VALUE", "cursor: must be the next_cursor of an earlier page"));
  }
  return { score: Number(score), id };
}
