import type { ReactNode } from "react";
import styles from "./operations.module.css";

/** The first column names the row. */
export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** Aligned to the right. */
  readonly numeric?: true;
  /** Selects the colour of the cell, such as `PLAYING` or `down`. */
  readonly tone?: (row: Row) => string;
  /** Tooltip with the full text. */
  readonly hint?: (row: Row) => string;
}

interface DataTableProps<Row> {
  /** For screen readers and tests. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[] | undefined;
  readonly keyOf: (row: Row) => string;
  /** Shown when there are no rows. Undefined `rows` are still loading. */
  readonly empty: string;
}

/** A table. On a narrow screen each row is a card that repeats the column names. */
export function DataTable<Row>({ label, columns, rows, keyOf, empty }: DataTableProps<Row>) {
  const [first, ...others] = columns;
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows?.map((row) => (
            <tr key={keyOf(row)}>
              <th scope="row">{first?.cell(row)}</th>
              {others.map(({ name, cell, numeric, tone, hint }) => (
                <td
                  key={name}
                  className={numeric && styles.number}
                  data-name={name}
                  data-tone={tone?.(row)}
                  title={hint?.(row)}
                >
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows?.length === 0 && <p className={styles.none}>{empty}</p>}
    </div>
  );
}
