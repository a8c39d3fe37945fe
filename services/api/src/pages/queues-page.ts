import { createRequire } from "node:module";
import { dirname } from "node:path";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { feedMaintenanceQueue, feedQueueName } from "@tapedeck/live";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { maintenanceQueue, orUnavailable, ReconnectingQueue, tickerQueueNames } from "@tapedeck/sessions";
import type { Queue } from "bullmq";
import type { Api } from "../api.js";
import { auditContextOf } from "../auth/act.js";
import { identify } from "../auth/authenticate.js";
import { KoaBoardAdapter } from "./koa-board-adapter.js";

export const queuesPath = "/admin/queues";

/** Its page brings its own scripts and styles; its settings lie in the page as data, not as a script. */
const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'";

/** The page's template asks for a font from elsewhere, which the policy refuses: the system's own serves as well. */
const foreignLink = /<link\b[^>]*\bhref="https?:[^>]*>/g;

type Page = ReturnType<KoaBoardAdapter["routes"]>;

/** Where the page's files are. */
const uiBasePath = dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json"));

/** The queues that the cluster works with, to be looked at. Whoever opens them closes them. */
export function openQueues(
  { redis, keys, log }: Pick<Api, "redis" | "keys" | "log">,
  tickerQueues: number,
): ReconnectingQueue[] {
  const names = [...tickerQueueNames(tickerQueues), maintenanceQueue, feedQueueName, feedMaintenanceQueue];
  const options = { connection: redis, prefix: keys.bullPrefix };
  // The connection logs Redis's absence.
  return names.map((name) => new ReconnectingQueue(name, options, (error) => log.debug({ err: error }, "queues page")));
}

/**
 * BullMQ's queues as a page for admins, to look at and not to change: a lease that is retried or removed by hand would play a
 * session twice or not at all.
 */
export function queuesPage(api: Api): Page {
  const board = boardOf(api.queues);
  return async (ctx, next) => {
    if (ctx.path !== queuesPath && !ctx.path.startsWith(`${queuesPath}/`)) return next();
    // The page asks for its scripts and styles by itself; what it shows comes from elsewhere.
    const looks = !ctx.path.startsWith(`${queuesPath}/static/`);
    if (looks) auditContextOf(ctx).route = { event: "admin_view", action: `${ctx.method} ${queuesPath}` };
    await identify(ctx, "admin", api);
    if (ctx.method !== "GET" && ctx.method !== "HEAD") {
      throw new RefusedError(refuse("METHOD_NOT_ALLOWED", "Queues can be looked at here, not changed."));
    }
    ctx.set({ "Content-Security-Policy": policy, "Cache-Control": "no-store" });
    const show = await orUnavailable(board());
    await show(ctx, next);
    if (typeof ctx.body === "string") ctx.body = ctx.body.replace(foreignLink, "");
  };
}

/** The page of these queues, made when it is first looked at, and again where a queue had to be. */
function boardOf(lasting: readonly ReconnectingQueue[]): () => Promise<Page> {
  let shown: readonly Queue[] = [];
  let page: Page | undefined;
  return async () => {
    const queues = await Promise.all(lasting.map((queue) => queue.get()));
    if (page !== undefined && queues.every((queue, at) => queue === shown[at])) return page;
    const serverAdapter = new KoaBoardAdapter(queuesPath);
    createBullBoard({
      queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
      serverAdapter,
      options: { uiBasePath, uiConfig: { boardTitle: "Tapedeck queues", hideRedisDetails: true } },
    });
    shown = queues;
    page = serverAdapter.routes();
    return page;
  };
}
