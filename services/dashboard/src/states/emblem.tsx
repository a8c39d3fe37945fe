import styles from "./states.module.css";

/** A cassette: turning while something is under way. */
export function CassetteIcon({ tone, turning }: { readonly tone?: "problem"; readonly turning?: boolean }) {
  return (
    <svg
      className={turning ? `${styles.emblem} ${styles.turning}` : styles.emblem}
      data-tone={tone}
      width="72"
      height="50"
      viewBox="0 0 72 50"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      aria-hidden="true"
    >
      <rect x="1" y="1" width="70" height="48" rx="6" />
      <rect x="11" y="10" width="50" height="22" rx="11" opacity="0.6" />
      <circle cx="23" cy="21" r="6.500" strokeDasharray="5 3.200" />
      <circle cx="49" cy="21" r="6.500" strokeDasharray="5 3.200" />
      <path d="M17 49l4-9h30l4 9" opacity="0.6" />
    </svg>
  );
}
