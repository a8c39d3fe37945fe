import { useStore } from "zustand";
import { IconButton } from "./controls";
import { theme, toggleTheme } from "./theme";

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
