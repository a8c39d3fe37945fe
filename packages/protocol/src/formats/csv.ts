/** Lines of cells as RFC 4180 has them; null and undefined are empty cells, lists are separated by blanks. */
export function csvOf(lines: readonly (readonly unknown[])[]): string {
  return lines.map((line) => line.map(cell).join(",")).join("\r\n");
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
