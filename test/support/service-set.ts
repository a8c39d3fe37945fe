import { randomBytes } from "node:crypto";
import type { ServiceKind } from "@tapedeck/cli";
import { type Readiness, ServiceProcess } from "./service-process.js";

/** One service of each kind, started like containers: none is restarted when it ends. */
export class ServiceSet {
  readonly all: readonly ServiceProcess[];
  readonly prefix: string;

  static async start(redisUrl: string, store: string): Promise<ServiceSet> {
    const prefix = `test-${randomBytes(6).toString("hex")}`;
    const env = { REDIS_URL: redisUrl, TAPEDECK_PREFIX: prefix, TAPEDECK_STORE: store, DEFAULT_TAPE: "usdm" };
    const kinds: readonly ServiceKind[] = ["api", "gateway", "ticker", "feed", "venue"];
    return new ServiceSet(await Promise.all(kinds.map((kind) => ServiceProcess.start(kind, env))), prefix);
  }

  private constructor(all: readonly ServiceProcess[], prefix: string) {
    this.all = all;
    this.prefix = prefix;
  }

  of(kind: ServiceKind): ServiceProcess[] {
    return this.all.filter((service) => service.kind === kind);
  }

  /** By kind, in the order of `all`. */
  async readiness(): Promise<[ServiceKind, Readiness][]> {
    return Promise.all(this.all.map(async (service) => [service.kind, await service.readiness()]));
  }

  /** Resolves with the milliseconds until `/health/ready` of each answers with this status. */
  async until(status: number, ms: number): Promise<number> {
    const since = performance.now();
    for (;;) {
      const states = await this.readiness();
      const took = performance.now() - since;
      if (states.every(([, state]) => state.status === status)) return took;
      if (took > ms) throw new Error(`not all answer ${status} after ${ms} ms: ${JSON.stringify(states)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((service) => service.stop()));
  }
}
