import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";

/** An offer to upgrade to another protocol, such as HTTP/2, may be ignored: the request is served without it. */
export function ignoreUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(request), "latin1"), head]));
  server.emit("connection", socket);
}

const upgradeHeaders = new Set(["connection", "upgrade", "http2-settings"]);

/** The head of a request as received, without its offer to upgrade. */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = rawHeaders.slice(i, i + 2);
    if (!upgradeHeaders.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
