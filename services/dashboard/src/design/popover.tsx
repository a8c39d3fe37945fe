import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { classes, type Variant } from "./controls";
import styles from "./controls.module.css";

interface PopoverProps {
  readonly label: string;
  /** The content of the button. */
  readonly button: ReactNode;
  readonly variant?: Variant;
  readonly side?: "above" | "below";
  readonly align?: "left" | "right";
  readonly className?: string | undefined;
  readonly buttonClass?: string | undefined;
  readonly disabled?: boolean;
  /** The button has no text. */
  readonly iconOnly?: boolean;
  /** Called with a function that closes the panel. */
  readonly children: (close: () => void) => ReactNode;
}

/** A button that opens a panel. Escape and a click elsewhere close it. The focus moves into the panel and back. */
export function Popover({
  label,
  button,
  variant,
  side = "below",
  align = "left",
  className,
  buttonClass,
  disabled,
  iconOnly,
  children,
}: PopoverProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    trigger.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>("[data-autofocus], [role=dialog] :is(button, input, select, a)")?.focus();
    const elsewhere = (event: PointerEvent) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [open]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from anywhere inside
    <div
      ref={root}
      className={styles.pop}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        ref={trigger}
        type="button"
        className={classes(styles.button, variant && styles[variant], buttonClass)}
        title={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        {/* Before the visible content, so that the accessible name has both. */}
        <span className="unseen">{iconOnly ? label : `${label}: `}</span>
        {button}
      </button>
      {open && (
        <div
          id={id}
          role="dialog"
          aria-label={label}
          className={classes(styles.popover, styles[side], styles[align], className)}
        >
          {children(close)}
        </div>
      )}
    </div>
  );
}
