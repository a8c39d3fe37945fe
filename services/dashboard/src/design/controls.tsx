import {
  type ButtonHTMLAttributes,
  type InputHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type SelectHTMLAttributes,
  useId,
} from "react";
import { useStore } from "zustand";
import styles from "./controls.module.css";
import { Icon, type IconName } from "./icon";
import { theme, toggleTheme } from "./theme";

export function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

export type Variant = "outlined" | "primary" | "buy" | "sell" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly variant?: Variant;
}

export function Button({ variant, className, children, ...rest }: ButtonProps) {
  return (
    <button type="button" className={classes(styles.button, variant && styles[variant], className)} {...rest}>
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
  readonly variant?: Variant;
  readonly size?: number;
}

export function IconButton({ icon, label, hotkey, variant, className, size, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={classes(styles.button, styles.icon, variant && styles[variant], className)}
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

/** A radio group that looks like one button with segments. */
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
        // biome-ignore lint/a11y/useSemanticElements: a button looks the same in all browsers; roles and keys are those of radio buttons
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

/** For a scrolling element without controls: it has to be reachable by keyboard. */
export const scrollable = { tabIndex: 0 } as const;

export function ThemeButton() {
  const { theme: name } = useStore(theme);
  return (
    <IconButton
      icon={name === "dark" ? "sun" : "moon"}
      label={name === "dark" ? "Light theme" : "Dark theme"}
      hotkey="T"
      onClick={toggleTheme}
    />
  );
}
