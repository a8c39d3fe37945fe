import { connect, type NetConnectOpts } from "node:net";

const patienceMs = 2000;

/** Whether a process takes connections there: true also for one that is too busy to answer them. */
export function acceptsConnections(address: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: patienceMs });
    const settle = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}
