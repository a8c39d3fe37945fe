import { createServer } from "node:net";

/** A port of 127.0.0.1 that was free a moment ago, for servers that cannot be told to choose one and say which. */
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
