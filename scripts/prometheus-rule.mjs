// Prints the alerts as an object of the Prometheus operator, whose spec is what a file of rules holds:
// node scripts/prometheus-rule.mjs > k8s/components/prometheus-operator/alerts.yaml
import { readFileSync } from "node:fs";

const rules = readFileSync(new URL("../deploy/prometheus/alerts.yml", import.meta.url), "utf8");
process.stdout.write(`# Made of deploy/prometheus/alerts.yml by scripts/prometheus-rule.mjs: change the alerts there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tapedeck
spec:
${rules.replaceAll(/^(?=.)/gm, "  ")}`);
