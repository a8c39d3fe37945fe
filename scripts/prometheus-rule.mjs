// Writes the alerts as an object of the Prometheus operator, whose spec is what a file of rules holds:
// node scripts/prometheus-rule.mjs
import { readFileSync, writeFileSync } from "node:fs";

const rules = readFileSync(new URL("../deploy/prometheus/alerts.yml", import.meta.url), "utf8");
const object = `# Made of deploy/prometheus/alerts.yml by scripts/prometheus-rule.mjs: change the alerts there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tapedeck
spec:
${rules.replaceAll(/^(?=.)/gm, "  ")}`;
writeFileSync(new URL("../k8s/components/prometheus-operator/alerts.yaml", import.meta.url), object);
