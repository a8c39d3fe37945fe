import type { NodeView } from "@tapedeck/client";
import { countText, lengthText, none } from "../design/format";
import styles from "./operations.module.css";

const shown = ["node", "role", "version", "pid", "url", "seen_ms", "up_s"];

/** Every heartbeat as it is: roles send fields of their own, and each gets a place. */
export function NodeTable({ nodes }: { readonly nodes: readonly NodeView[] | undefined }) {
  const sorted = [...(nodes ?? [])].sort((a, b) => a.role.localeCompare(b.role) || a.node.localeCompare(b.node));
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Role</th>
            <th scope="col">Version</th>
            <th scope="col">Process</th>
            <th scope="col">Up</th>
            <th scope="col">Load</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((node) => (
            <tr key={node.node}>
              <th scope="row">{node.node}</th>
              <td>{node.role}</td>
              <td>{text(node.version)}</td>
              <td className={styles.number}>{typeof node.pid === "number" ? node.pid : none}</td>
              <td className={styles.number}>{typeof node.up_s === "number" ? lengthText(node.up_s * 1000) : none}</td>
              <td>
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
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {nodes?.length === 0 && <p className={styles.none}>No node was heard in the last 15 s.</p>}
    </div>
  );
}

function text(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? countText(value) : value.toFixed(2);
  return value === undefined ? none : String(value);
}
