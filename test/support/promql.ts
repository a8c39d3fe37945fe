import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { documented, documentedOfLibraries } from "./metrics.js";

/** Labels that Prometheus, its scrape of us, or a histogram puts on series. */
const ofEverySeries = ["service", "node", "le", "job", "instance", "namespace", "pod"];

/** The errors of a query: invalid PromQL, or a metric or label that is not exposed. One sentence each. */
export function problemsOf(query: string): string[] {
  const problems: string[] = [];
  const text = ({ from, to }: { from: number; to: number }) => query.slice(from, to);
  const labels = new Set(ofEverySeries);
  const asked: string[] = [];
  const tree = parser.parse(query);
  tree.iterate({
    enter: ({ node, type }) => {
      if (type.isError) problems.push(`invalid PromQL at character ${node.from}: ${query}`);
      if (type.name === "VectorSelector") {
        const name = node.getChild("Identifier");
        const known = name === null ? undefined : labelsOf(text(name));
        if (known === undefined)
          problems.push(`${name === null ? "a selector without a name" : text(name)} is not exposed`);
        for (const label of known ?? []) labels.add(label);
      }
      if (type.name === "LabelName") asked.push(text(node));
    },
  });
  if (isEmpty(tree.topNode)) problems.push("an empty query");
  for (const label of asked) if (!labels.has(label)) problems.push(`no metric of ${query} has a label ${label}`);
  return problems;
}

function isEmpty(top: SyntaxNode): boolean {
  return top.firstChild === null;
}

/** The labels of a metric of ours, or of the libraries' that docs/metrics.md names. Undefined: nothing exposes it. */
function labelsOf(series: string): readonly string[] | undefined {
  if (series === "up" || documentedOfLibraries.includes(series)) return [];
  const plain = documented.find(({ name, type }) => name === series && type !== "histogram");
  const histogram = documented.find(
    ({ name, type }) => type === "histogram" && [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(series),
  );
  return (plain ?? histogram)?.labels;
}
