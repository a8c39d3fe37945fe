import { describe, expect, test } from "vitest";
import { podsOf, render, renderer } from "./overlays.js";
import { serviceNames } from "./settings.js";
import { shipped } from "./shipped.js";

/**
 * A node of kind with two cores and 4 GiB, less what kind's own pods ask for: API server 250m, controller manager 200m,
 * scheduler, etcd and kindnet 100m each, CoreDNS twice 100m; and 290 Mi. k3d's ask for less.
 */
const left = { milliCores: 2000 - 950, mebibytes: 3800 - 290 };

describe.skipIf(renderer === undefined)("the local overlay", () => {
  const pods = renderer === undefined ? [] : podsOf(render("local"));
  const sum = (quantity: (requests: Record<string, string>) => number) =>
    pods.reduce(
      // The command line counts as in use.
      (total, { replicas, surge, spec }) =>
        total +
        (Math.max(1, replicas) + surge) *
          spec.containers.reduce((all, { resources }) => all + quantity(resources.requests), 0),
      0,
    );

  test("[DP31] fits on a node of two cores, and still does while every service is restarted", () => {
    expect(sum(({ cpu }) => milliCoresOf(cpu))).toBeLessThanOrEqual(left.milliCores);
    expect(sum(({ memory }) => mebibytesOf(memory))).toBeLessThanOrEqual(left.mebibytes);
  });
});

describe.each(shipped)("$name", ({ render }) => {
  const objects = render();
  const least = (service: string) => {
    const autoscaler = objects.find(
      ({ kind, metadata }) => kind === "HorizontalPodAutoscaler" && metadata.name === service,
    );
    return Number(autoscaler?.spec?.minReplicas ?? podsOf(objects).find(({ name }) => name === service)?.replicas);
  };

  test("[DP32] runs at least two of each service, so that viewers of a restarting pod have another", () => {
    for (const service of serviceNames) expect([service, least(service)]).toEqual([service, 2]);
  });

  test("[DP32] starts a successor before a pod leaves in a rollout", () => {
    for (const { name, surge } of podsOf(objects)) {
      if (serviceNames.some((service) => service === name)) expect([name, surge]).toEqual([name, 1]);
    }
  });
});

function milliCoresOf(quantity: string | undefined): number {
  const [, number] = /^(\d+)m$/.exec(quantity ?? "") ?? [];
  return Number(number);
}

function mebibytesOf(quantity: string | undefined): number {
  const [, number] = /^(\d+)Mi$/.exec(quantity ?? "") ?? [];
  return Number(number);
}
