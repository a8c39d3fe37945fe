/** A value that outlives the page, in this browser. Where storage is forbidden it lives as long as the page. */
export interface Persisted<T> {
  get(): T;
  set(value: T): void;
}

/** Text as it is, everything else as JSON. What is stored but no longer readable counts as absent. */
export function persisted<T>(key: string, fallback: T): Persisted<T> {
  let value = read(key, fallback);
  return {
    get: () => value,
    set(next) {
      value = next;
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // Private windows of some browsers forbid storage; the page works without.
      }
    },
  };
}

function read<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}
