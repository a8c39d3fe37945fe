/** Formats rows as CSV (RFC 4180). null and undefined become empty cells; the items of a list are separated by spaces. */
export function csvOf(lines: readonly (readonly unknown[])[]): string {
  return lines.map((line) => line.map(cell).join(",")).join("\r\n");
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
