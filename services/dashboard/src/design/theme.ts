import { createStore } from "zustand/vanilla";
import { persisted } from "./persisted";

type Theme = "dark" | "light";

const kept = persisted<Theme | "">("tapedeck_theme", "");
const prefersLight = matchMedia("(prefers-color-scheme: light)");

/** The system's theme until the user chooses one. */
export const theme = createStore<{ readonly theme: Theme }>(() => ({ theme: kept.get() || systemTheme() }));

function systemTheme(): Theme {
  return prefersLight.matches ? "light" : "dark";
}

export function toggleTheme(): void {
  const next = theme.getState().theme === "dark" ? "light" : "dark";
  kept.set(next);
  theme.setState({ theme: next });
}

prefersLight.addEventListener("change", () => {
  if (!kept.get()) theme.setState({ theme: systemTheme() });
});

function apply({ theme: name }: { theme: Theme }): void {
  document.documentElement.dataset.theme = name;
  colours = undefined;
}
theme.subscribe(apply);

let colours: Map<string, string> | undefined;

/** The value of a CSS colour token, for canvas drawing: `themeColour("--buy")`. Cached per theme. */
export function themeColour(token: `--${string}`): string {
  colours ??= new Map();
  let value = colours.get(token);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    colours.set(token, value);
  }
  return value;
}

/** The colour as red, green and blue from 0 to 255. Tokens for canvas are `#rrggbb`, which a build may shorten to `#rgb`. */
export function rgb(token: `--${string}`): readonly [number, number, number] {
  const digits = themeColour(token).slice(1);
  const long = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  const value = Number.parseInt(long, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The colour with an alpha value. */
export function translucent(token: `--${string}`, alpha: number): string {
  return `rgba(${rgb(token).join(", ")}, ${alpha})`;
}

apply(theme.getState());
