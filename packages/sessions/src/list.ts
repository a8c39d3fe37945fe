import { type DeckState, type Mode, RefusedError, refuse } from "@tapedeck/protocol";
import { UnreadableSession } from "./record-codec.js";
import type { Scored } from "./session-index.js";
import type { SessionStore, StoredSession } from "./store.js";

export interface ListQuery {
  /** 1 to 1000 */
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly state?: DeckState | undefined;
}

export interface ListPage {
  readonly sessions: readonly StoredSession[];
  /** Null after the last page. A page may hold fewer sessions than its limit all the same. */
  readonly nextCursor: string | null;
  readonly total: number;
  readonly active: number;
  readonly paused: number;
}

/** The index says which sessions there may be; their hashes say which there are and what they are now. */
export async function listSessions(
  store: Pick<SessionStore, "index" | "read">,
  { limit, cursor, ...filter }: ListQuery,
): Promise<ListPage> {
  const [entries, counts] = await Promise.all([
    store.index.page(
      {
        ...(filter.state ? { state: filter.state } : {}),
        ...(filter.mode ? { mode: filter.mode } : {}),
      },
      cursor === undefined ? undefined : decodeCursor(cursor),
      limit,
    ),
    store.index.counts(),
  ]);
  const found = await Promise.all(entries.map(({ id }) => readIfReadable(store, id)));
  const fits = ({ record }: StoredSession): boolean =>
    (filter.state === undefined || record.state === filter.state) &&
    (filter.mode === undefined || record.mode === filter.mode);
  const last = entries.at(-1);
  return {
    sessions: found.filter((session) => session !== undefined).filter(fits),
    nextCursor: last !== undefined && entries.length === limit ? encodeCursor(last) : null,
    total: counts.total,
    active: counts.states.get("PLAYING") ?? 0,
    paused: counts.states.get("PAUSED") ?? 0,
  };
}

/** One hash that somebody has spoiled by hand does not keep the others from being listed. */
async function readIfReadable(store: Pick<SessionStore, "read">, id: string): Promise<StoredSession | undefined> {
  try {
    return await store.read(id);
  } catch (error) {
    if (error instanceof UnreadableSession) return undefined;
    throw error;
  }
}

function encodeCursor({ id, score }: Scored): string {
  return `${score}~${id}`;
}

function decodeCursor(text: string): Scored {
  const [, score, id] = /^(\d+(?:\.\d+)?)~(.+)$/.exec(text) ?? [];
  if (score === undefined || id === undefined) {
    throw new RefusedError(refuse("INVALID_VALUE", "cursor: must be the next_cursor of an earlier page"));
  }
  return { score: Number(score), id };
}
