import { connect } from "node:net";

/** On one machine a connect that is not refused succeeds at once, unless we are too busy to see it. */
const connectMs = 5_000;

/** The addresses of one kind of service, each taken in turn. */
export class RoundRobin {
  #urls: readonly string[] = [];
  #next = 0;

  set(urls: readonly string[]): void {
    this.#urls = urls;
  }

  /**
   * The next address that accepts a connection; undefined if none does. A service that died a moment ago, before the
   * supervisor could tell, is skipped here.
   */
  async pick(): Promise<string | undefined> {
    const urls = this.#urls;
    const first = this.#next++;
    for (let i = 0; i < urls.length; i++) {
      const url = urls[(first + i) % urls.length];
      if (url !== undefined && (await accepts(url))) return url;
    }
    return undefined;
  }
}

function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const answer = (yes: boolean) => () => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", answer(true)).once("error", answer(false)).setTimeout(connectMs, answer(false));
  });
}
