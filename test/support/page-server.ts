import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";

/** Serves pages on its own port, and so on its own origin. */
export class PageServer {
  readonly #server: Server;
  readonly #pages = new Map<string, string | Buffer>();

  static async start(): Promise<PageServer> {
    const pages = new PageServer();
    pages.#server.listen(0, "127.0.0.1");
    await once(pages.#server, "listening");
    return pages;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      if (request.url === "/favicon.ico") {
        response.writeHead(204).end();
        return;
      }
      const path = request.url?.split("?")[0] ?? "";
      const page = this.#pages.get(path);
      const type = path.endsWith(".js") ? "text/javascript" : "text/html";
      response.writeHead(page === undefined ? 404 : 200, { "content-type": `${type}; charset=utf-8` });
      response.end(page ?? "");
    });
  }

  /** @returns the URL of the page */
  put(path: string, html: string): string {
    this.#pages.set(path, html);
    return `${this.origin}${path}`;
  }

  /** Serves every file of a folder at the root. */
  putAll(folder: URL): void {
    for (const name of readdirSync(folder)) this.#pages.set(`/${name}`, readFileSync(new URL(name, folder)));
  }

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the page server is not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
