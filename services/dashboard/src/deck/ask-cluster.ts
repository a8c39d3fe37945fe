/** Where the cluster is, and who asks. */
export interface Address {
  readonly api: string;
  readonly token: string | undefined;
}

/** A GET that the SDK has no verb for. */
export function askCluster({ api, token }: Address, path: string, signal?: AbortSignal): Promise<Response> {
  const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${api}${path}`, { headers, ...(signal && { signal }) });
}
