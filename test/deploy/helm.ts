import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type KubernetesObject, objectsIn } from "./overlays.js";

export const chart = fileURLToPath(new URL("../../deploy/helm/tapedeck/", import.meta.url));

/** Helm, if this machine has it: by its name, or where `go install` puts it. */
export const helm = ["helm", join(process.env.GOPATH ?? join(homedir(), "go"), "bin", "helm")].find(
  (command) => spawnSync(command, ["version"], { stdio: "ignore" }).status === 0,
);
if (helm === undefined) {
  process.stderr.write(
    "SKIPPED: the Helm chart, since there is no helm here (go install helm.sh/helm/v3/cmd/helm@v3.22.0).\n",
  );
}

/** A Helm that was built by `go install` knows no version of Kubernetes of its own. */
const kubernetes = ["--namespace", "tapedeck", "--kube-version", "1.36.0"];

export type Values = Readonly<Record<string, unknown>>;

/** The objects that `helm install` would send, with an example's values (`production`) or none, and others over them. */
export function renderChart(values: Values = {}, example?: string): KubernetesObject[] {
  const { status, stdout, stderr } = template(values, example);
  if (status !== 0) throw new Error(`the chart does not render: ${stderr}`);
  return objectsIn(stdout);
}

/** Why the chart does not take these values. */
export function refusalOf(values: Values): string {
  const { status, stderr } = template(values);
  if (status === 0) throw new Error(`the chart accepts ${JSON.stringify(values)}`);
  return stderr;
}

export function lint(example?: string) {
  return run(["lint", "--strict", chart, ...kubernetes, ...exampleFile(example)]);
}

function template(values: Values, example?: string) {
  const args = ["template", "tapedeck", chart, ...kubernetes, ...exampleFile(example), "--values", "-"];
  return run(args, stringify(values));
}

function exampleFile(example: string | undefined): string[] {
  return example === undefined ? [] : ["--values", join(chart, "examples", `${example}.yaml`)];
}

function run(args: readonly string[], input = "") {
  if (helm === undefined) throw new Error("helm is not installed");
  return spawnSync(helm, args, { encoding: "utf8", input });
}
