import { join } from "node:path";
import type {
  AppControllerRoute,
  AppViewRoute,
  BullBoardQueues,
  IServerAdapter,
  UIConfig,
} from "@bull-board/api/typings/app";
import Router from "@koa/router";
import ejs from "ejs";
import send from "koa-send";

/**
 * Serves the read routes of bull-board with Koa. Bull-board's own Koa adapter depends on a library of template engines, an HTML
 * formatter and a body parser: about twenty packages for one page.
 */
export class KoaBoardAdapter implements IServerAdapter {
  readonly #router: Router;
  readonly #basePath: string;
  #queues: BullBoardQueues = new Map();
  #uiConfig: UIConfig = {};
  #views = "";
  #onError: Parameters<IServerAdapter["setErrorHandler"]>[0] = (error) => {
    throw error;
  };

  constructor(basePath: string) {
    this.#basePath = basePath;
    this.#router = new Router({ prefix: basePath });
  }

  routes(): ReturnType<Router["routes"]> {
    return this.#router.routes();
  }

  setQueues(queues: BullBoardQueues): this {
    this.#queues = queues;
    return this;
  }

  setUIConfig(config: UIConfig): this {
    this.#uiConfig = config;
    return this;
  }

  setErrorHandler(handler: Parameters<IServerAdapter["setErrorHandler"]>[0]): this {
    this.#onError = handler;
    return this;
  }

  setViewsPath(folder: string): this {
    this.#views = folder;
    return this;
  }

  setStaticPath(route: string, folder: string): this {
    this.#router.get(`${route}/*file`, async (ctx) => {
      await send(ctx, ctx.path.slice(`${this.#basePath}${route}`.length), { root: folder });
    });
    return this;
  }

  setEntryRoute({ route, handler }: AppViewRoute): this {
    this.#router.get(route, async (ctx) => {
      const { name, params } = handler({ basePath: this.#basePath, uiConfig: this.#uiConfig });
      ctx.type = "html";
      ctx.body = await ejs.renderFile(join(this.#views, name), params);
    });
    return this;
  }

  setApiRoutes(routes: AppControllerRoute[]): this {
    for (const { method, route, handler } of routes) {
      if (![method].flat().includes("get")) continue;
      this.#router.get(route, async (ctx) => {
        const request = { queues: this.#queues, uiConfig: this.#uiConfig, params: ctx.params, query: ctx.query };
        const { status = 200, body } = await this.#answer(() => handler({ ...request, body: {}, headers: {} }));
        ctx.status = status;
        ctx.body = body;
      });
    }
    return this;
  }

  async #answer<T>(handle: () => T | Promise<T>) {
    try {
      return await handle();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return this.#onError(error);
    }
  }
}
