import {
  announceReady,
  ConfigError,
  commonEnv,
  createLogger,
  createShutdown,
  port,
  RequestGuard,
  readConfig,
} from "@tapedeck/runtime";
import { z } from "zod";
import { printError } from "../terminal/output.js";
import { codeOf } from "../user-error.js";
import { Balancer } from "./balancer.js";

// A process of its own, as in production, so that its CPU time is not counted as a service's.
const env = z.object({ ...commonEnv, PORT: port.default(8000) });
const urls = z.array(z.string());
const backends = z.object({ type: z.literal("backends"), apis: urls, gateways: urls, venues: urls });

try {
  const config = readConfig("balancer", env);
  const log = createLogger({ service: "balancer", node: config.NODE_ID, level: config.LOG_LEVEL });
  const shutdown = createShutdown({ log, budgetMs: 2000 });
  // Not a warning: the terminal would show what a busy machine does while everything starts.
  const balancer = new Balancer(new RequestGuard(config), { tell: (sentence) => log.info(sentence) });
  process.on("message", (message) => {
    const update = backends.safeParse(message);
    if (update.success) balancer.use(update.data);
  });
  const { server } = balancer;
  server.on("error", (error) => {
    printError(
      codeOf(error) === "EADDRINUSE"
        ? `Port ${config.PORT} is in use; stop the process that uses it, or choose another port: PORT=${config.PORT + 1} npm start`
        : `Cannot listen on ${config.HOST}:${config.PORT}: ${error.message}`,
    );
    process.exit(1);
  });
  server.listen(config.PORT, config.HOST, () => {
    const address = server.address();
    const bound = typeof address === "object" && address ? address.port : config.PORT;
    const name = ["127.0.0.1", "0.0.0.0", "::"].includes(config.HOST) ? "localhost" : config.HOST;
    announceReady({ url: `http://${name}:${bound}` });
  });
  shutdown.step("take no more connections", () => {
    balancer.stop();
    server.close();
    server.closeAllConnections();
  });
} catch (error) {
  printError(...(error instanceof ConfigError ? error.message : String(error)).split("\n"));
  process.exit(1);
}
