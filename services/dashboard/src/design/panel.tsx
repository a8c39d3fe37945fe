import { type ReactNode, type Ref, useId } from "react";
import { classes } from "./controls";
import styles from "./panel.module.css";

interface PanelProps {
  readonly title: string;
  /** Beside the title. */
  readonly note?: ReactNode;
  /** At the right of the title bar. */
  readonly aside?: ReactNode;
  readonly children?: ReactNode;
  readonly bodyRef?: Ref<HTMLDivElement>;
  readonly bodyClass?: string | undefined;
  readonly className?: string | undefined;
}

/** A view with a title, which is also its landmark. */
export function Panel({ title, note, aside, children, bodyRef, bodyClass, className }: PanelProps) {
  const id = useId();
  return (
    <section className={classes(styles.panel, className)} aria-labelledby={id}>
      <header className={styles.head}>
        <h2 id={id} className={styles.title}>
          {title}
        </h2>
        {note}
        <div className={styles.aside}>{aside}</div>
      </header>
      <div ref={bodyRef} className={classes(styles.body, bodyClass)}>
        {children}
      </div>
    </section>
  );
}
