import { createRequire } from "node:module";
import { dirname } from "node:path";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { feedMaintenanceQueue, feedQueueName } from "@tapedeck/live";
import { RefusedError, refuse } from "@tapedeck/protocol";
import { maintenanceQueue, orUnavailable, ReconnectingQueue, tickerQueueNames } from "@tapedeck/sessions";
import type { Queue } from "bullmq";
import type { Api } from "../api.js";
import { authenticate } from "../auth/authenticate.js";
import { auditContextOf } from "../auth/caller.js";
import { KoaBoardAdapter } from "./koa-board-adapter.js";

const queuesPath = "/admin/queues";

/** The page loads only its own scripts and styles; its settings are data in the page, not a script. */
const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'";

/** The page's template loads a font from another host, which the policy blocks: the system font is used instead. */
const foreignLink = /<link\b[^>]*\bhref="https?:[^>]*>/g;

type Page = ReturnType<KoaBoardAdapter["routes"]>;

/** Folder of the page's files. */
const uiBasePath = dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json"));

/** Opens the cluster's queues for viewing. The caller closes them. */
export function openQueues(
  { redis, keys, log }: Pick<Api, "redis" | "keys" | "log">,
  tickerQueues: number,
): ReconnectingQueue[] {
  const names = [...tickerQueueNames(tickerQueues), maintenanceQueue, feedQueueName, feedMaintenanceQueue];
  const options = { connection: redis, prefix: keys.bullPrefix };
  // The connection already logs that Redis is unavailable.
  return names.map(
    (name) =>
      new ReconnectingQueue(name, options, (error) =>
        log.debug({ err: error }, "queue of the queues page reported an error"),
      ),
  );
}

/**
 * A read-only page of BullMQ's queues for admins. A lease that is retried or removed by hand would play its session twice or not at
 * all.
 */
export function queuesPage(api: Api): Page {
  const board = boardOf(api.queues);
  return async (ctx, next) => {
    if (ctx.path !== queuesPath && !ctx.path.startsWith(`${queuesPath}/`)) return next();
    // Only views of data are audited, not the scripts and styles that the page loads.
    const isView = !ctx.path.startsWith(`${queuesPath}/static/`);
    if (isView) auditContextOf(ctx).route = { event: "admin_view", action: `${ctx.method} ${queuesPath}` };
    await authenticate(ctx, "admin", api);
    if (ctx.method !== "GET" && ctx.method !== "HEAD") {
      throw new RefusedError(refuse("METHOD_NOT_ALLOWED", "The queues page is read-only; it accepts GET and HEAD."));
    }
    ctx.set({ "Content-Security-Policy": policy, "Cache-Control": "no-store" });
    const show = await orUnavailable(board());
    await show(ctx, next);
    if (typeof ctx.body === "string") ctx.body = ctx.body.replace(foreignLink, "");
  };
}

/** Creates the page of these queues on first use, and again after a queue has been reopened. */
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
