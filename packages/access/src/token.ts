import { parseCookie } from "cookie";

/** The cookie in which a proxy may put a token, for clients that can send no header. */
export const tokenCookie = "tapedeck_token";
/** A browser's only header for a socket is the list of subprotocols it offers: `tapedeck.v1, tapedeck.token.{token}`. */
const tokenSubprotocol = /(?:^|,)\s*tapedeck\.token\.([A-Za-z0-9_.-]+)\s*(?:,|$)/;

export interface TokenHeaders {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly protocols?: string | undefined;
}

/** A token, and where it came from: browsers send cookies along with whatever a page of any site asks, and nothing else. */
export interface RequestToken {
  readonly token: string;
  readonly from: "header" | "subprotocol" | "cookie";
}

/** The token that a request brought, wherever it brought it. Never out of its address, which ends up in logs. */
export function tokenOf({ authorization, cookie, protocols }: TokenHeaders): RequestToken | undefined {
  const header = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (header !== undefined) return { token: header, from: "header" };
  const subprotocol = tokenSubprotocol.exec(protocols ?? "")?.[1];
  if (subprotocol !== undefined) return { token: subprotocol, from: "subprotocol" };
  const kept = cookie === undefined ? undefined : parseCookie(cookie)[tokenCookie];
  return kept === undefined ? undefined : { token: kept, from: "cookie" };
}
