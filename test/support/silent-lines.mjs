// Proxies to a port of this machine, in a process of their own, so that what passes is not held up by a test's work.
// node silent-lines.mjs PORT COUNT; over IPC it sends the ports, and takes { silent: nth } and { restore: nth }.
import { once } from "node:events";
import { connect, createServer } from "node:net";

const [target, count] = process.argv.slice(2).map(Number);

function open() {
  const sockets = new Set();
  const line = { silent: false, deaf: new Set() };
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.setNoDelay(true);
      sockets.add(from);
      if (line.silent) line.deaf.add(from);
      from.on("data", (bytes) => {
        if (!line.deaf.has(from)) to.write(bytes);
      });
      from.on("error", () => {}); // a close follows
      from.on("close", () => {
        sockets.delete(from);
        // A network that drops everything also drops the packets of a close.
        if (!line.deaf.delete(from)) to.destroy();
      });
    }
  });
  line.server = server;
  line.goSilent = () => {
    line.silent = true;
    for (const socket of sockets) line.deaf.add(socket);
  };
  // The network is back, and knows nothing of the connections from before.
  line.restore = () => {
    line.silent = false;
    for (const socket of line.deaf) socket.resetAndDestroy();
  };
  return line;
}

const lines = Array.from({ length: count }, open);
for (const { server } of lines) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}
process.send({ ports: lines.map(({ server }) => server.address().port) });
process.on("message", ({ silent, restore }) => {
  if (silent !== undefined) lines[silent].goSilent();
  if (restore !== undefined) lines[restore].restore();
});
process.on("disconnect", () => process.exit());
