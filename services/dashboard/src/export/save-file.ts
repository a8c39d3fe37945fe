import { type ClusterAddress, loadOrders } from "../cluster-api";

/** Starts a download in the browser. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // By then the download holds its own reference to the data.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Rejects with the cluster's message. */
export async function saveOrders(address: ClusterAddress, sessionId: string): Promise<void> {
  saveFile(await loadOrders(address, sessionId), `tapedeck-orders-${sessionId}.csv`);
}
