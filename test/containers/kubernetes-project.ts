import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { keysWith } from "@tapedeck/sessions";
import { Http } from "../support/http.js";
import { Viewer, type ViewerOptions } from "../support/viewer.js";
import type { BalancedCluster, TapeSource } from "../support/watched-sessions.js";
import { output } from "./command.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const overlay = join(root, "k8s/overlays/local");
const front = fileURLToPath(new URL("kubernetes-front.yaml", import.meta.url));
const namespace = "tapedeck";
const namespaces = [namespace, "haproxy-controller"];

/** The local overlay on a cluster that a person has named by its context, and one address before it. */
export class KubernetesProject implements BalancedCluster {
  readonly url: string;
  readonly balanced: Http;
  readonly #context: string;
  readonly #forwarding: ChildProcess;
  readonly #viewers: Viewer[] = [];

  /** Applies the overlay and waits until everything serves. Refuses a cluster that has one: what this makes is removed at the end. */
  static async apply(context: string): Promise<KubernetesProject> {
    const kubectl = (...args: string[]) => output("kubectl", ["--context", context, ...args]);
    const there = await kubectl("get", "namespace", ...namespaces, "--ignore-not-found", "--output", "name");
    if (there !== "") throw new Error(`the cluster ${context} has ${there} already: name a cluster without`);
    await kubectl("apply", "--filename", join(overlay, "namespace.yaml"));
    const addresses = ["api", "gateway", "ticker", "feed", "venue", "operator"].map(
      (user) => `--from-literal=${user}=redis://${user}:${randomBytes(24).toString("hex")}@redis:6379`,
    );
    await kubectl("--namespace", namespace, "create", "secret", "generic", "redis", ...addresses);
    await kubectl("apply", "--kustomize", overlay);
    await settled(context);
    await kubectl("apply", "--filename", front);
    await kubectl("--namespace", "haproxy-controller", "rollout", "status", "deployment/front", "--timeout", "120s");
    const { child, address } = await forwarded(context, "haproxy-controller", "deployment/front", 8000);
    return new KubernetesProject(context, child, `http://${address}`);
  }

  private constructor(context: string, forwarding: ChildProcess, url: string) {
    this.#context = context;
    this.#forwarding = forwarding;
    this.url = url;
    this.balanced = new Http([url]);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return output("kubectl", ["--context", this.#context, "--namespace", namespace, ...args]);
  }

  /** Waits until what was asked for is there and ready, and what was to go is gone. */
  settled(): Promise<void> {
    return settled(this.#context);
  }

  /** A command in the pod of the command line, which is started for it. */
  async cli(...args: readonly string[]): Promise<string> {
    await this.kubectl("scale", "deployment/cli", "--replicas", "1");
    await this.kubectl("rollout", "status", "deployment/cli", "--timeout", "120s");
    return this.kubectl("exec", "deployment/cli", "--", "tapedeck", ...args);
  }

  async copyIn(file: string, name: string): Promise<void> {
    await this.kubectl("cp", file, `${await this.#cliPod()}:/recordings/${name}`);
  }

  async watch(sessionId: string, options: Partial<ViewerOptions>): Promise<Viewer> {
    const viewer = await Viewer.watch({ gateways: [this.url], sessionId, ...options });
    this.#viewers.push(viewer);
    return viewer;
  }

  /** Reads tapes as one more node would: Redis through a forwarded port, and a copy of the volume. */
  async withTapes<T>(read: (source: TapeSource) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-kubernetes-"));
    const { child, address } = await forwarded(this.#context, namespace, "service/redis", 6379);
    try {
      await this.cli("version");
      await this.kubectl("cp", `${await this.#cliPod()}:/tapes`, folder);
      return await read({ redisUrl: `redis://${address}`, keys: keysWith("tapedeck"), tapes: { folder } });
    } finally {
      await ended(child);
      await rm(folder, { recursive: true });
    }
  }

  async remove(): Promise<void> {
    await Promise.all(this.#viewers.map((viewer) => viewer.close()));
    await ended(this.#forwarding);
    const remove = ["--context", this.#context, "delete", "--timeout", "120s"];
    await output("kubectl", [...remove, "--filename", front]);
    await output("kubectl", [...remove, "--kustomize", overlay]);
  }

  async #cliPod(): Promise<string> {
    const jsonPath = "jsonpath={.items[0].metadata.name}";
    return this.kubectl("get", "pod", "--selector", "app.kubernetes.io/name=cli", "--output", jsonPath);
  }
}

async function settled(context: string): Promise<void> {
  const kubectl = (...args: string[]) => output("kubectl", ["--context", context, "--namespace", namespace, ...args]);
  for (const kind of ["statefulset", "deployment"]) await kubectl("rollout", "status", kind, "--timeout", "300s");
  await kubectl("wait", "--for", "condition=complete", "job/demo", "--timeout", "300s");
  const leaving = "jsonpath={.items[?(@.metadata.deletionTimestamp)].metadata.name}";
  while ((await kubectl("get", "pod", "--output", leaving)) !== "") await sleep(500);
}

/** A port of this machine that leads to one of the cluster. */
async function forwarded(
  context: string,
  namespace: string,
  target: string,
  port: number,
): Promise<{ child: ChildProcess; address: string }> {
  const args = ["--context", context, "--namespace", namespace, "port-forward", target, `:${port}`];
  const child = spawn("kubectl", args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) {
    const [, address] = /^Forwarding from (127\.0\.0\.1:\d+) /.exec(line) ?? [];
    if (address === undefined) continue;
    child.stdout.resume(); // it says a line for each connection
    return { child, address };
  }
  throw new Error(`kubectl ${args.join(" ")} ended at once`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = once(child, "exit");
  child.kill("SIGTERM");
  await end;
}
