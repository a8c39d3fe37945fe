import { once } from "node:events";
import type { Server } from "node:http";
import { connect, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHttpServer, respondAndClose } from "./timeouts.js";

const limits = { headMs: 300, requestMs: 600, idleMs: 600 };
const large = Buffer.alloc(64 << 20, "x");
let server: Server;
let clients: Socket[];

beforeEach(async () => {
  clients = [];
  server = createHttpServer(limits, (request, response) => {
    const slow = request.url === "/slow" ? 3 * limits.idleMs : 0;
    request.resume().on("end", () => setTimeout(() => response.end(request.url === "/large" ? large : "ok"), slow));
  });
  server.on("clientError", (_error, socket) => {
    if (socket instanceof Socket) respondAndClose(socket, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nno");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  for (const client of clients) client.destroy();
  server.close();
  server.closeAllConnections();
});

/** A client that keeps its half of the connection open whatever it receives. */
function client(bytes: string): Socket {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const socket = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {}).write(bytes);
  clients.push(socket);
  return socket;
}

const head = (rest = "") => `GET / HTTP/1.1\r\nHost: x\r\n${rest}`;
const kinds: [what: string, bytes: string, reads: boolean][] = [
  ["sends something other than HTTP", "nonsense\r\n\r\n", true],
  ["never ends its head", head("X-Slow: "), true],
  ["never sends the body it announced", head("Content-Length: 100\r\n\r\nabc"), true],
  ["never reads a large response", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", false],
  ["keeps sending requests and reads nothing", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200), false],
];

describe("[R30] a client holds no connection that", () => {
  test.each(kinds)("%s", async (_, bytes, reads) => {
    let connections = 0;
    server.on("connection", () => connections++);
    const held = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    const some = Array.from({ length: 20 }, () => client(bytes));
    if (reads) for (const socket of some) socket.resume();
    await expect.poll(() => connections).toBe(20);
    await expect.poll(held, { timeout: 15_000 }).toBe(0);
  });
});

test("[R30] a client that waits for its response gets it, however long that takes", async () => {
  const socket = client("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const [data] = await once(socket, "data");
  expect(String(data)).toMatch(/^HTTP\/1.1 200 OK[\s\S]*ok/);
});

test("[R30] the response to a refused request arrives complete even if the client keeps sending", async () => {
  const socket = client(`nonsense\r\n${"x".repeat(500_000)}`);
  let answer = "";
  socket.on("data", (data) => {
    answer += String(data);
  });
  await once(socket, "end");
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request[\s\S]*no$/);
});
