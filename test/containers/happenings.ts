import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../support/events.js";
import type { ComposeProject, ServiceName } from "./project.js";

/** What one does to a cluster that runs in containers, and what may be asked of it meanwhile. */
export interface Happening extends Event {
  /** Whether each request is answered all the same. */
  readonly smooth: boolean;
  /** Left out where time is short: one like it is there. */
  readonly long?: true;
}

export function happenings(project: ComposeProject): Happening[] {
  const killed = (service: ServiceName, how: Pick<Happening, "smooth" | "long">): Happening => ({
    name: `${service} killed`,
    run: async () => {
      await project.kill(service);
      await project.serves();
    },
    ...how,
  });
  const restarted = (service: ServiceName, how: Pick<Happening, "smooth" | "long">): Happening => ({
    name: `${service} restarted`,
    run: async () => {
      await project.compose("restart", service);
      await project.serves();
    },
    ...how,
  });
  const scaled = (gateways: number, tickers: number): Happening => ({
    name: `scaled to ${gateways} gateways and ${tickers} tickers`,
    run: () => project.up("--no-recreate", "--scale", `gateway=${gateways}`, "--scale", `ticker=${tickers}`),
    smooth: true,
  });
  return [
    { name: "nothing", run: () => sleep(3_000), smooth: true },
    killed("ticker", { smooth: true }),
    killed("feed", { smooth: true, long: true }),
    killed("gateway", { smooth: true }),
    killed("api", { smooth: false }),
    killed("redis", { smooth: false }),
    killed("balancer", { smooth: false, long: true }),
    scaled(3, 3),
    scaled(2, 2),
    {
      name: "rolling upgrade",
      run: async () => {
        await project.release("next");
        await project.script("deploy/compose-upgrade.sh");
      },
      smooth: true,
    },
    restarted("ticker", { smooth: true, long: true }),
    restarted("feed", { smooth: true, long: true }),
    restarted("gateway", { smooth: true, long: true }),
    restarted("api", { smooth: false, long: true }),
    restarted("redis", { smooth: false }),
    restarted("balancer", { smooth: false }),
    {
      name: "down and up",
      run: async () => {
        await project.compose("down");
        await project.up();
      },
      smooth: false,
    },
    {
      name: "all recreated at once",
      run: () => project.up("--force-recreate"),
      smooth: false,
      long: true,
    },
  ];
}
