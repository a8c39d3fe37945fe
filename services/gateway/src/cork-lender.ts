import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import type { Uws } from "./uws.js";

const host = "127.0.0.1";

/** A cork that is always free, for other responses to write in. */
export interface CorkLender {
  cork(run: () => void): void;
  /** From now on `cork` runs what it is given without a cork. */
  close(): void;
}

/**
 * Connects this process to itself and never answers the one request of that connection; uWebSockets.js sets no time limit for an
 * answer. This costs two file descriptors. The port is open only until the connection stands, on the loopback address, and
 * serves one random path.
 */
export function openCorkLender(uws: Uws): Promise<CorkLender> {
  const path = `/${randomUUID()}`;
  return new Promise((resolve, reject) => {
    const app = uws.App();
    app.listen(host, 0, (socket) => {
      if (!socket) {
        reject(new Error(`no port of ${host} can be listened on`));
        return;
      }
      const client = createConnection(uws.us_socket_local_port(socket), host);
      client.on("error", reject);
      client.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      app.any(path, (res) => {
        uws.us_listen_socket_close(socket);
        let open = true;
        res.onAborted(() => {
          open = false;
        });
        resolve({
          cork: (run) => {
            if (open) res.cork(run);
            else run();
          },
          close: () => client.destroy(),
        });
      });
    });
  });
}
