import { subprotocol } from "@tapedeck/protocol";
import WebSocket from "ws";
import type { LoadOrder, LoadReport, Seat } from "./load.js";

const frameStart = '{"type":"snapshot","seq":';
const lastSeqs: number[] = [];
const sockets: WebSocket[] = [];
let noting = false;
let seats: number[] = [];
let seqs: number[] = [];
let times: number[] = [];
let bytes = 0;
let holes = 0;
let closed = 0;

function report(message: LoadReport): void {
  process.send?.(message);
}

function connect(seat: Seat, index: number): Promise<void> {
  const address = `${seat.url.replace(/^http/, "ws")}/ws?session_id=${seat.sessionId}`;
  const socket = new WebSocket(address, [subprotocol], { perMessageDeflate: false, skipUTF8Validation: true });
  sockets.push(socket);
  socket.on("message", (data: Buffer) => take(index, data));
  socket.on("close", () => {
    closed++;
  });
  return new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
}

function take(index: number, data: Buffer): void {
  if (!data.toString("latin1", 0, frameStart.length).startsWith(frameStart)) return;
  const seq = Number.parseInt(data.toString("latin1", frameStart.length, frameStart.length + 12), 10);
  const last = lastSeqs[index];
  lastSeqs[index] = seq;
  if (!noting) return;
  if (last !== undefined && seq !== last + 1) holes++;
  seats.push(index);
  seqs.push(seq);
  times.push(performance.timeOrigin + performance.now());
  bytes += data.length;
}

async function obey(order: LoadOrder): Promise<void> {
  switch (order.type) {
    case "connect":
      // A few at a time: a listen backlog is not what is measured here.
      for (let from = 0; from < order.seats.length; from += 50) {
        await Promise.all(order.seats.slice(from, from + 50).map((seat, at) => connect(seat, from + at)));
      }
      return report({ type: "connected" });
    case "begin":
      noting = true;
      return report({ type: "begun" });
    case "end":
      noting = false;
      report({ type: "received", seat: seats, seq: seqs, at: times, bytes, holes, closed });
      [seats, seqs, times, bytes, holes] = [[], [], [], 0, 0];
  }
}

process.on("message", (order: LoadOrder) => void obey(order));
process.on("disconnect", () => process.exit());
