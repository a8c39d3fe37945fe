import { createRequire } from "node:module";
import { dirname } from "node:path";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { feedQueueName, feedUpkeepQueue } from "@tapedeck/live";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { leaseQueueNames, upkeepQueue } from "@tapedeck/sessions";
import { Queue } from "bullmq";
import type Koa from "koa";
import type { Middleware } from "koa";
import type { Api } from "./api.js";
import { identify } from "./identify.js";
import { QueueBoard } from "./queue-board.js";

export const queuesPath = "/admin/queues";

/** Its page brings its own scripts and styles; its settings lie in the page as data, not as a script. */
const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'";

/** The page's template asks for a font from elsewhere, which the policy refuses: the system's own serves as well. */
const foreignLink = /<link\b[^>]*\bhref="https?:[^>]*>/g;

/** Where the page's files are. */
const uiBasePath = dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json"));

/** The queues that the cluster works with, to be looked at. Whoever opens them closes them. */
export function openQueues({ redis, keys, log }: Pick<Api, "redis" | "keys" | "log">, tickerQueues: number): Queue[] {
  const names = [...leaseQueueNames(tickerQueues), upkeepQueue, feedQueueName, feedUpkeepQueue];
  return names.map((name) => {
    const queue = new Queue(name, { connection: redis, prefix: keys.bullPrefix, skipWaitingForReady: true });
    queue.on("error", (error) => log.debug({ err: error }, "queues page")); // the connection logs Redis's absence
    return queue;
  });
}

/**
 * BullMQ's queues as a page for admins, to look at and not to change: a lease that is retried or removed by hand would play a
 * session twice or not at all.
 */
export function useQueuesPage(app: Koa, api: Api): void {
  const serverAdapter = new QueueBoard(queuesPath);
  createBullBoard({
    queues: api.queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    serverAdapter,
    options: { uiBasePath, uiConfig: { boardTitle: "Tapedeck queues", hideRedisDetails: true } },
  });
  app.use(admit(api));
  app.use(serverAdapter.routes());
}

function admit(api: Api): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== queuesPath && !ctx.path.startsWith(`${queuesPath}/`)) return next();
    await identify(ctx, "admin", api);
    if (ctx.method !== "GET" && ctx.method !== "HEAD") {
      throw new RefusedError(refuse("METHOD_NOT_ALLOWED", "Queues can be looked at here, not changed."));
    }
    ctx.set({ "Content-Security-Policy": policy, "Cache-Control": "no-store" });
    await next();
    if (typeof ctx.body === "string") ctx.body = ctx.body.replace(foreignLink, "");
  };
}
