import type { NodeView } from "@tapedeck/client";
import { countText, lengthText, none } from "../design/format";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

const shown = ["node", "role", "version", "pid", "url", "seen_ms", "up_s"];

const columns: readonly Column<NodeView>[] = [
  { name: "Node", cell: ({ node }) => node },
  { name: "Role", cell: ({ role }) => role },
  { name: "Version", cell: ({ version }) => text(version) },
  { name: "Process", numeric: true, cell: ({ pid }) => (typeof pid === "number" ? pid : none) },
  { name: "Up", numeric: true, cell: ({ up_s }) => (typeof up_s === "number" ? lengthText(up_s * 1000) : none) },
  { name: "Load", cell: (node) => <Load node={node} /> },
];

export function NodeTable({ nodes }: { readonly nodes: readonly NodeView[] | undefined }) {
  const sorted = nodes?.toSorted((a, b) => a.role.localeCompare(b.role) || a.node.localeCompare(b.node));
  return (
    <DataTable
      label="Nodes"
      columns={columns}
      rows={sorted}
      keyOf={({ node }) => node}
      none="No node was heard in the last 15 s."
    />
  );
}

/** The rest of a heartbeat as it is: roles send fields of their own, and each gets a place. */
function Load({ node }: { readonly node: NodeView }) {
  return (
    <dl className={styles.load}>
      {Object.entries(node)
        .filter(([name]) => !shown.includes(name))
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd>{text(value)}</dd>
          </div>
        ))}
    </dl>
  );
}

function text(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? countText(value) : value.toFixed(2);
  return value === undefined ? none : String(value);
}
