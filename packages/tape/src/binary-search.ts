/** How many of the ascending `values`, of which the first `length` count, are at most `limit`. */
export function countUpTo(values: Float64Array, limit: number, length = values.length): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
