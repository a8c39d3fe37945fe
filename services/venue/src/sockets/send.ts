import type { WebSocket } from "ws";

/** Time for a client that does not read to read that its socket is closed. */
const closeMs = 1_000;

// HOT: once per message of a stream and socket.
/**
 * Sends a message, whatever its length, unless more than `slowBytes` wait for the client already. Nothing may be left out, so the socket of a client that
 * does not read is closed instead.
 */
export function send(socket: WebSocket, data: string, slowBytes: number): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount <= slowBytes) {
    socket.send(data);
    return;
  }
  socket.close(1008, "too slow");
  setTimeout(() => socket.terminate(), closeMs).unref();
}
