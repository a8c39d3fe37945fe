/** A value that is kept in this browser. Where the browser forbids storage, it lasts as long as the page. */
interface Persisted<T> {
  get(): T;
  set(value: T): void;
}

/** Stored as JSON. A stored value that cannot be parsed counts as absent. */
export function persisted<T>(key: string, fallback: T): Persisted<T> {
  let value = read(key, fallback);
  return {
    get: () => value,
    set(next) {
      value = next;
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // Private windows of some browsers forbid storage.
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
