/** What the system says when it does not let us write, in words. */
const words: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the disk is read-only",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  ENOTDIR: "a file stands where a folder has to be",
  EEXIST: "a file stands where a folder has to be",
};

/** Why something could not be written, with the path where the system names one. */
export function writeFailureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = "code" in error && typeof error.code === "string" ? words[error.code] : undefined;
  if (why === undefined) return error.message;
  return "path" in error && typeof error.path === "string" ? `${error.path}: ${why}` : why;
}
