import type { ReactNode } from "react";
import styles from "./operations.module.css";

/** A column: its name, and what a row shows there. The first column names the row. */
export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand at the right, under one another. */
  readonly numeric?: true;
  /** What the cell says by its colour, such as `PLAYING` or `down`. */
  readonly tone?: (row: Row) => string;
  /** A full text where the cell has room for a short one. */
  readonly hint?: (row: Row) => string;
}

interface DataTableProps<Row> {
  /** What the rows are: for screen readers, and for tests. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[] | undefined;
  readonly keyOf: (row: Row) => string;
  /** What is said where there is no row; undefined `rows` are still on their way. */
  readonly none: string;
}

/** A table; on a narrow screen each row is a card with the columns' names beside its values. */
export function DataTable<Row>({ label, columns, rows, keyOf, none }: DataTableProps<Row>) {
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
                  data-mood={tone?.(row)}
                  title={hint?.(row)}
                >
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows?.length === 0 && <p className={styles.none}>{none}</p>}
    </div>
  );
}
