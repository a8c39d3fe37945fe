import { setTimeout as sleep } from "node:timers/promises";
import type { Disruption } from "../support/user-load.js";
import type { ComposeProject, ServiceName } from "./project.js";

/** A disruption of a cluster that runs in containers. */
export interface ContainerDisruption extends Disruption {
  /** Whether each request must be answered during it. */
  readonly uninterrupted: boolean;
  /** Skipped by `npm test`, which has a similar one. */
  readonly long?: true;
}

export function containerDisruptions(project: ComposeProject): ContainerDisruption[] {
  const killed = (
    service: ServiceName,
    how: Pick<ContainerDisruption, "uninterrupted" | "long">,
  ): ContainerDisruption => ({
    name: `${service} killed`,
    run: async () => {
      await project.kill(service);
      await project.serves();
    },
    ...how,
  });
  const restarted = (
    service: ServiceName,
    how: Pick<ContainerDisruption, "uninterrupted" | "long">,
  ): ContainerDisruption => ({
    name: `${service} restarted`,
    run: async () => {
      await project.compose("restart", service);
      await project.serves();
    },
    ...how,
  });
  const scaled = (gateways: number, tickers: number): ContainerDisruption => ({
    name: `scaled to ${gateways} gateways and ${tickers} tickers`,
    run: () => project.up("--no-recreate", "--scale", `gateway=${gateways}`, "--scale", `ticker=${tickers}`),
    uninterrupted: true,
  });
  return [
    { name: "nothing", run: () => sleep(3_000), uninterrupted: true },
    killed("ticker", { uninterrupted: true }),
    killed("feed", { uninterrupted: true, long: true }),
    killed("gateway", { uninterrupted: true }),
    killed("api", { uninterrupted: false }),
    killed("redis", { uninterrupted: false }),
    killed("balancer", { uninterrupted: false, long: true }),
    scaled(3, 3),
    scaled(2, 2),
    {
      name: "rolling upgrade",
      run: async () => {
        await project.release("next");
        await project.script("deploy/compose-upgrade.sh");
      },
      uninterrupted: true,
    },
    restarted("ticker", { uninterrupted: true, long: true }),
    restarted("feed", { uninterrupted: true, long: true }),
    restarted("gateway", { uninterrupted: true, long: true }),
    restarted("api", { uninterrupted: false, long: true }),
    restarted("redis", { uninterrupted: false }),
    restarted("balancer", { uninterrupted: false }),
    {
      name: "down and up",
      run: async () => {
        await project.compose("down");
        await project.up();
      },
      uninterrupted: false,
    },
    {
      name: "all recreated at once",
      run: () => project.up("--force-recreate"),
      uninterrupted: false,
      long: true,
    },
  ];
}
