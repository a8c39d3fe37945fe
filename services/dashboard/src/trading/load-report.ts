import type { ReportSummary, TradeReport } from "@tapedeck/protocol";
import { type ClusterAddress, fetchCluster } from "../cluster-api";

/** What was done in a session's simulated markets. Rejects with the cluster's own sentence. */
export async function loadReport(address: ClusterAddress, sessionId: string): Promise<TradeReport> {
  const { report } = await answered(await fetchCluster(address, `/reports/${encodeURIComponent(sessionId)}`));
  return report;
}

/** Pages of sessions that are looked through; older ones are not listed. */
const mostPages = 5;

/** The sessions with orders, newest first. */
export async function loadReports(address: ClusterAddress): Promise<ReportSummary[]> {
  const found: ReportSummary[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < mostPages; page++) {
    const query = cursor === null ? "" : `?${new URLSearchParams({ cursor })}`;
    const { reports, next_cursor }: ReportsAnswer = await answered(await fetchCluster(address, `/reports${query}`));
    found.push(...reports);
    if (next_cursor === null) break;
    cursor = next_cursor;
  }
  return found;
}

interface ReportsAnswer {
  readonly reports: readonly ReportSummary[];
  readonly next_cursor: string | null;
}

/** The JSON of an answer. Throws the sentence of a refusal. */
async function answered(answer: Response) {
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

/** The orders of a session as a file, a line each. */
export async function loadOrders(address: ClusterAddress, sessionId: string): Promise<Blob> {
  const answer = await fetchCluster(address, `/reports/${encodeURIComponent(sessionId)}/orders.csv`);
  if (!answer.ok) throw new Error((await answer.json()).message);
  return answer.blob();
}
