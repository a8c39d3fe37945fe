/** A hash as scripts take it: field, value, field, value, ... */
export function flattenHash(hash: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(hash).flatMap(([field, value]) => [field, `${value}`]);
}

/** A hash as scripts return it. */
export function unflattenHash(fieldsAndValues: readonly string[]): Record<string, string> {
  const hash: Record<string, string> = {};
  for (let at = 0; at + 1 < fieldsAndValues.length; at += 2) {
    hash[fieldsAndValues[at] ?? ""] = fieldsAndValues[at + 1] ?? "";
  }
  return hash;
}
