import {
  type ButtonHTMLAttributes,
  type InputHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type SelectHTMLAttributes,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import styles from "./controls.module.css";
import { Icon, type IconName } from "./icon";

export function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

type Look = "outlined" | "primary" | "buy" | "sell" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: Look;
}

export function Button({ look, className, children, ...rest }: ButtonProps) {
  return (
    <button type="button" className={classes(styles.button, look && styles[look], className)} {...rest}>
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon: IconName;
  /** What it does, for a screen reader and as its tooltip. */
  readonly label: string;
  /** The key that does the same. */
  readonly hotkey?: string;
  readonly look?: Look;
  readonly size?: number;
}

export function IconButton({ icon, label, hotkey, look, className, size, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={classes(styles.button, styles.icon, look && styles[look], className)}
      aria-label={label}
      title={hotkey ? `${label} (${hotkey})` : label}
      {...rest}
    >
      <Icon name={icon} {...(size !== undefined && { size })} />
    </button>
  );
}

interface SegmentedProps<Value extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: Value; readonly text: ReactNode; readonly title?: string }[];
  readonly value: Value | undefined;
  readonly onChoose: (value: Value) => void;
  readonly className?: string | undefined;
}

/** One of a few, all in sight: a radio group as the keyboard and a screen reader know it. */
export function Segmented<Value extends string>({ label, options, value, onChoose, className }: SegmentedProps<Value>) {
  const at = Math.max(
    0,
    options.findIndex((option) => option.value === value),
  );
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const to = (at + by + options.length) % options.length;
    const next = options[to];
    const button = event.currentTarget.children[to];
    if (button instanceof HTMLElement) button.focus();
    if (next) onChoose(next.value);
  };
  return (
    <div className={classes(styles.segmented, className)} role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option, index) => (
        // biome-ignore lint/a11y/useSemanticElements: a button looks alike in all browsers; roles and keys are those of radios
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={index === at ? 0 : -1}
          title={option.title}
          onClick={() => onChoose(option.value)}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}

interface TabsProps<Value extends string> {
  readonly label: string;
  readonly tabs: readonly { readonly value: Value; readonly text: ReactNode }[];
  readonly value: Value;
  readonly onChoose: (value: Value) => void;
  /** Id of the panel that the tabs fill. */
  readonly controls: string;
  readonly className?: string | undefined;
}

export function Tabs<Value extends string>({ label, tabs, value, onChoose, controls, className }: TabsProps<Value>) {
  const at = Math.max(
    0,
    tabs.findIndex((tab) => tab.value === value),
  );
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const to = (at + by + tabs.length) % tabs.length;
    const next = tabs[to];
    const button = event.currentTarget.children[to];
    if (button instanceof HTMLElement) button.focus();
    if (next) onChoose(next.value);
  };
  return (
    <div className={classes(styles.segmented, className)} role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map((tab, index) => (
        <button
          key={tab.value}
          type="button"
          role="tab"
          id={`${controls}-${tab.value}`}
          aria-selected={tab.value === value}
          aria-controls={controls}
          tabIndex={index === at ? 0 : -1}
          onClick={() => onChoose(tab.value)}
        >
          {tab.text}
        </button>
      ))}
    </div>
  );
}

export function Select({
  small,
  className,
  ...rest
}: SelectHTMLAttributes<HTMLSelectElement> & { readonly small?: boolean }) {
  return <select className={classes(styles.select, small && styles.small, className)} {...rest} />;
}

export function Input({
  small,
  className,
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { readonly small?: boolean }) {
  return (
    <input
      className={classes(styles.input, small && styles.small, className)}
      autoComplete="off"
      spellCheck={false}
      {...rest}
    />
  );
}

export function Field({ text, children }: { readonly text: string; readonly children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{text}</label>
      {children(id)}
    </div>
  );
}

export function Badge({
  children,
  className,
}: {
  readonly children: ReactNode;
  readonly className?: string | undefined;
}) {
  return <span className={classes(styles.badge, className)}>{children}</span>;
}

export function Key({ children }: { readonly children: ReactNode }) {
  return <kbd className={styles.key}>{children}</kbd>;
}

interface PopoverProps {
  readonly label: string;
  /** What the button shows. */
  readonly button: ReactNode;
  readonly look?: Look;
  readonly side?: "above" | "below";
  readonly align?: "left" | "right";
  readonly className?: string | undefined;
  readonly buttonClass?: string | undefined;
  readonly disabled?: boolean;
  /** The button shows no text. */
  readonly wordless?: boolean;
  /** Given the function that closes it. */
  readonly children: (close: () => void) => ReactNode;
}

/** A button and what it unfolds. Escape and a click elsewhere close it; the focus goes in and comes back. */
export function Popover({
  label,
  button,
  look,
  side = "below",
  align = "left",
  className,
  buttonClass,
  disabled,
  wordless,
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
    root.current?.querySelector<HTMLElement>("[data-first], [role=dialog] :is(button, input, select, a)")?.focus();
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
        className={classes(styles.button, look && styles[look], buttonClass)}
        title={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        {/* Before what is seen, so that its name says both. */}
        <span className="unseen">{wordless ? label : `${label}: `}</span>
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

interface DialogProps {
  readonly title: string;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, open, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (open && !element.current?.open) element.current?.showModal();
    if (!open && element.current?.open) element.current.close();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a dialog closes by Escape on its own; the click is for its backdrop
    <dialog
      ref={element}
      className={styles.dialog}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div className={styles.dialogHead}>
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </div>
      <div className={styles.dialogBody}>{open && children}</div>
    </dialog>
  );
}
