import { persisted } from "../design/persisted";

/** Of clusters that want to know who one is, by their origin. */
const kept = persisted<Readonly<Record<string, string>>>("tapedeck_access", {});

/**
 * The token for a cluster: that of a shared link, which carries it behind the `#` that browsers send to nobody, else the one
 * that was pasted in here.
 */
export function accessToken(api: string): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get("access") ?? kept.get()[api];
}

export function keepAccessToken(api: string, token: string): void {
  kept.set({ ...kept.get(), [api]: token });
}
