import { connect, createServer, type NetConnectOpts } from "node:net";

/** A port of 127.0.0.1 that was free a moment ago, for servers that cannot choose one themselves and report it. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address) resolve(address.port);
        else reject(new Error("the system gave no port"));
      });
    });
  });
}

/** Whether a process accepts connections there, even if it is too busy to answer them. */
export function acceptsConnections(address: NetConnectOpts, timeoutMs = 2000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: timeoutMs });
    const settle = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}
