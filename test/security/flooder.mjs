// Sends a message without pause for some time, or until it has been closed so often, and reconnects when it is closed. A separate process, so that viewers measure the cluster
// and not their own process. Prints the close codes.
import WebSocket from "ws";

const { address, protocols, headers, message, ms, maxCloses = Infinity } = JSON.parse(process.argv[2] ?? "{}");
const until = performance.now() + ms;
/** @type {number[]} */
const closes = [];

while (performance.now() < until && closes.length < maxCloses) {
  const socket = new WebSocket(address, protocols, { headers });
  await new Promise((resolve) => {
    const send = () => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (performance.now() >= until) return socket.terminate();
      for (let nth = 0; nth < 200; nth++) socket.send(message);
      setImmediate(send);
    };
    socket.on("open", send);
    socket.on("error", () => {}); // a close follows
    socket.on("close", (code) => {
      if (performance.now() < until) closes.push(code);
      resolve(undefined);
    });
  });
}
console.log(JSON.stringify(closes));
