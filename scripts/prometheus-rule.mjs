// Prints the alerts as a PrometheusRule of the Prometheus operator, whose spec has the form of a rules file:
// node scripts/prometheus-rule.mjs > k8s/components/prometheus-operator/alerts.yaml
import { readFileSync } from "node:fs";

const rules = readFileSync(new URL("../deploy/prometheus/alerts.yml", import.meta.url), "utf8");
process.stdout.write(`# Generated from deploy/prometheus/alerts.yml by scripts/prometheus-rule.mjs. Change the alerts there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tapedeck
spec:
${rules.replaceAll(/^(?=.)/gm, "  ")}`);
