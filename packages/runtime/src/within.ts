/** What `run` resolves to, or an error when that takes longer. */
export async function within<T>(ms: number, run: () => Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([(async () => run())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
