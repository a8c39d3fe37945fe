import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { outgoingPorts } from "./network-policies.js";
import { podsOf } from "./overlays.js";
import { shipped } from "./shipped.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe.each(shipped)("the command line in $name", ({ render }) => {
  const objects = render();
  const podOf = (name: string) => podsOf(objects).find((pod) => pod.kind === "Deployment" && pod.name === name);
  const cli = podOf("cli");
  const api = podOf("api");

  test("[DP30] is a Deployment without pods until it is scaled up", () => {
    expect(cli).toMatchObject({ replicas: 0, surge: 0 });
  });

  test("[DP30] has the settings, secrets and tapes of the services", () => {
    const [mine] = cli?.spec.containers ?? [];
    const [theirs] = api?.spec.containers ?? [];
    expect(mine?.envFrom.length).toBeGreaterThanOrEqual(2);
    expect(mine?.envFrom).toEqual(theirs?.envFrom);
    const claims = (pod: typeof cli) => pod?.spec.volumes.flatMap((volume) => volume.persistentVolumeClaim ?? []);
    expect(claims(cli)).toEqual(claims(api));
    // An api also has a folder for files that it makes on request.
    const shared = theirs?.volumeMounts?.filter(({ mountPath }) => mountPath !== "/tmp") ?? [];
    expect(mine?.volumeMounts).toMatchObject([...shared, { mountPath: "/recordings" }]);
  });

  test("[DP30] has the network policies of a ticker", () => {
    const ports = outgoingPorts(objects, cli?.labels ?? {});
    expect(ports).toEqual(outgoingPorts(objects, podOf("ticker")?.labels ?? {}));
    expect([...(ports ?? [])]).toEqual(expect.arrayContaining([53, 6379]));
  });

  test("[DP30] has an image of the same release as the services", () => {
    const tag = (pod: typeof cli) => pod?.spec.containers[0]?.image.split(":")[1];
    expect(tag(cli)).toBeDefined();
    expect(tag(cli)).toBe(tag(api));
  });
});

test("[DP30] the guide lists, imports and deletes tapes by the command that the image has", () => {
  const guide = read("docs/kubernetes.md");
  for (const command of ["tapedeck tapes\n", "tapedeck import /recordings/", "tapedeck tapes delete "]) {
    expect(guide).toContain(`exec deployment/cli -- ${command}`);
  }
  expect(guide).toContain("scale deployment/cli --replicas 1");
  expect(read("Dockerfile")).toContain("COPY deploy/tapedeck /usr/local/bin/tapedeck");
  expect(read("deploy/tapedeck")).toMatch(/^exec node \/app\/packages\/cli\/dist\/main\.js "\$@"$/m);
});
