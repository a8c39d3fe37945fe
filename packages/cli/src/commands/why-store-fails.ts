import { codeOf } from "../user-error.js";

/** What stores that are not folders say, in words that name the setting to change. */
const words: readonly (readonly [says: RegExp, why: string])[] = [
  [/^Region is missing$/, "no region is set; AWS_REGION takes one (any will do with S3_ENDPOINT)"],
  [
    /^Could not load credentials from any providers$/,
    "no credentials were found; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY take them, or AWS_PROFILE a profile",
  ],
];

/** Why a store could not be read or written. */
export function storeErrorReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = words.find(([says]) => says.test(error.message));
  if (known !== undefined) return known[1];
  // Several addresses of one name were tried: the errors are within, and the message is empty.
  if (error instanceof AggregateError) return storeErrorReason(error.errors[0]);
  if (codeOf(error) === "EACCES") return "this user may not read it";
  const message = error.message.replace(/[.\s]+$/, "");
  // An answer without a body has a name only, such as NotFound or AccessDenied.
  return message === "" || /^Unknown/.test(message) ? error.name : message;
}
