import { codeOf } from "../user-error.js";
import { acceptsConnections } from "./accepts.js";
import { ClusterFile, type ClusterSnapshot } from "./cluster-file.js";

/** The cluster of a folder, if it runs: its file may outlive it, and process ids are used again. */
export async function findRunningCluster(folder: string): Promise<ClusterSnapshot | undefined> {
  const cluster = await new ClusterFile(folder).read();
  return cluster && (await isRunning(cluster)) ? cluster : undefined;
}

async function isRunning({ pid, url }: ClusterSnapshot): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return (
    pid !== process.pid && isAlive(pid) && (await acceptsConnections({ host: hostname, port: Number(port || 80) }))
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
