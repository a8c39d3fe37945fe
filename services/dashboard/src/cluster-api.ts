import type {
  BookChanges,
  Frame,
  FullBookView,
  ReportSummary,
  SessionView,
  TrackLine,
  TradeReport,
} from "@tapedeck/protocol";
import { marketOf } from "./playback/tape-loader";

export interface ClusterAddress {
  readonly api: string;
  readonly token: string | undefined;
}

/** GET requests that the SDK has no method for. */
export function get({ api, token }: ClusterAddress, path: string, signal?: AbortSignal): Promise<Response> {
  const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${api}${path}`, { headers, ...(signal && { signal }) });
}

/** The JSON of an answer. Throws the message of a refusal. */
export async function jsonOf(response: Response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.message);
  return body;
}

/** A request that changes something, and that the SDK has no method for. */
export function send(
  { api, token }: ClusterAddress,
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (body === undefined) return fetch(`${api}${path}`, { method, headers });
  headers["content-type"] = "application/json";
  return fetch(`${api}${path}`, { method, headers, body: JSON.stringify(body) });
}

/** The last frames up to the session's playhead, at most 100, oldest first. */
export async function loadHistory(
  address: ClusterAddress,
  sessionId: string,
  signal: AbortSignal,
): Promise<readonly Frame[]> {
  const response = await get(address, `/features?${new URLSearchParams({ session_id: sessionId })}`, signal);
  return response.ok ? await response.json() : [];
}

/** Whose event track is read. */
export interface TrackOwner {
  readonly sessionId: string;
  /** The tape that the session plays. */
  readonly tape: string;
}

export function trackOwnerOf(session: SessionView | undefined): TrackOwner | undefined {
  return session?.tape == null ? undefined : { sessionId: session.session_id, tape: session.tape };
}

/** A simulated tape with the orders of its session's user. Only the session gives access to it. */
export function isFork(tape: string): boolean {
  return marketOf(tape) !== tape;
}

function pathOf({ tape, sessionId }: TrackOwner): string {
  return isFork(tape) ? `/sessions/${encodeURIComponent(sessionId)}` : `/tapes/${encodeURIComponent(tape)}`;
}

/** The whole book of a tape with an event track as a frame shows it, its best `depth` levels of each side. */
export async function loadBook(
  address: ClusterAddress,
  owner: TrackOwner,
  { seq, depth }: { readonly seq: number; readonly depth: number },
): Promise<Pick<FullBookView, "bids" | "asks" | "bid_levels" | "ask_levels">> {
  if (!isFork(owner.tape)) {
    const query = new URLSearchParams({ seq: `${seq}`, depth: `${depth}` });
    return jsonOf(await get(address, `${pathOf(owner)}/book?${query}`));
  }
  // A session's own book is that of its playhead, which may be at another frame.
  let book: Pick<BookChanges, "bids" | "asks"> = { bids: [], asks: [] };
  await loadBookChanges(address, owner, { fromSeq: seq, toSeq: seq, whole: true }, (line) => {
    if (line.whole) book = line;
  });
  const { bids, asks } = book;
  return {
    ...{ bids: bids.slice(0, depth), asks: asks.slice(0, depth) },
    ...{ bid_levels: bids.length, ask_levels: asks.length },
  };
}

/**
 * Calls back with the whole book of a tape with an event track as frame `fromSeq` shows it (left out unless `whole`), and with what each frame up to
 * `toSeq` changes in it, as they arrive.
 */
export async function loadBookChanges(
  address: ClusterAddress,
  owner: TrackOwner,
  { fromSeq, toSeq, whole }: { readonly fromSeq: number; readonly toSeq: number; readonly whole: boolean },
  onLine: (line: BookChanges) => void,
): Promise<void> {
  const query = new URLSearchParams({ from_seq: `${fromSeq}`, to_seq: `${toSeq}`, whole: `${whole}` });
  const response = await get(address, `${pathOf(owner)}/book/changes?${query}`);
  if (!response.ok || response.body === null) throw new Error((await response.json()).message);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(JSON.parse(line));
  }
}

/** The lines of a tape's event track from what one frame shows first, up to and without what another one does. */
export async function loadEvents(
  address: ClusterAddress,
  owner: TrackOwner,
  { fromSeq, toSeq }: { readonly fromSeq: number; readonly toSeq: number },
  signal: AbortSignal,
): Promise<TrackLine[]> {
  const query = new URLSearchParams({ from_seq: `${fromSeq}`, to_seq: `${toSeq}` });
  const response = await get(address, `${pathOf(owner)}/events?${query}`, signal);
  if (!response.ok) throw new Error((await response.json()).message);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

/** Orders, fills and profit and loss of one session. */
export async function loadReport(address: ClusterAddress, sessionId: string): Promise<TradeReport> {
  const { report } = await jsonOf(await get(address, `/reports/${encodeURIComponent(sessionId)}`));
  return report;
}

/** Pages that are read; older sessions are not listed. */
const maxPages = 5;

interface ReportsPage {
  readonly reports: readonly ReportSummary[];
  readonly next_cursor: string | null;
}

/** The sessions with orders, newest first. */
export async function loadReports(address: ClusterAddress): Promise<ReportSummary[]> {
  const found: ReportSummary[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const query = cursor === null ? "" : `?${new URLSearchParams({ cursor })}`;
    const { reports, next_cursor }: ReportsPage = await jsonOf(await get(address, `/reports${query}`));
    found.push(...reports);
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  return found;
}

/** The orders of a session as CSV. */
export async function loadOrders(address: ClusterAddress, sessionId: string): Promise<Blob> {
  const response = await get(address, `/reports/${encodeURIComponent(sessionId)}/orders.csv`);
  if (!response.ok) throw new Error((await response.json()).message);
  return response.blob();
}
