/** In a query: ioredis takes `?password=`, our addresses of sentinels take `?sentinel_password=`. */
const inQuery = /([?&]\w*password=)[^&\s"']*/gi;

/** An address for people to read: up to its last @ there may be a user and a password, also where it is malformed. */
export function redactAddress(address: string): string {
  return address.replace(inQuery, "$1***").replace(/\/\/.*@/s, "//***@");
}

/** An address for programs to read that have credentials of their own. */
export function stripCredentials(address: string): string {
  return address
    .replace(/([?&])\w*password=[^&]*(&|$)/gi, (_, before: string, after: string) => (after === "" ? "" : before))
    .replace(/\/\/.*@/s, "//");
}

/** A text that may quote addresses, such as a line of a log. Well-formed ones have no slash in a password. */
export function redactText(text: string): string {
  return text.replace(inQuery, "$1***").replace(/\/\/[^\s/"':@]*:[^\s/"']*@/g, "//***@");
}
