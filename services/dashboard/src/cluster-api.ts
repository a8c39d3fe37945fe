/** Where the cluster is, and who asks. */
export interface ClusterAddress {
  readonly api: string;
  readonly token: string | undefined;
}

/** A GET that the SDK has no verb for. */
export function fetchCluster({ api, token }: ClusterAddress, path: string, signal?: AbortSignal): Promise<Response> {
  const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${api}${path}`, { headers, ...(signal && { signal }) });
}
