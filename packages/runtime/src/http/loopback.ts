import { isIP } from "node:net";

/** Whether an address to listen on, or a name in a URL, is this machine's own: no other machine reaches it. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    name === "[::1]" ||
    (isIP(name) === 4 && name.startsWith("127."))
  );
}
