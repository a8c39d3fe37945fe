import { z } from "zod";

const plain = /^-?\d+(\.\d+)?$/;
const rule = "must be a plain decimal number, such as 5 or 0.5";

/** A number in a body that may stand in a path instead: it is refused in the same words. */
export const decimal = z.number({ error: ({ input }) => (input === undefined ? undefined : rule) });

/**
 * A number that comes as text, in a path or a query: digits, with a sign and a fraction if wanted. What `Number` takes besides
 * (`0x10`, `1e2`, `Infinity`, blanks, nothing at all) is of the wrong shape: a slip of the keyboard is not obeyed.
 */
export function decimalText<Schema extends z.ZodType<unknown, number>>(schema: Schema) {
  return z.preprocess((given, context) => {
    if (typeof given === "string" && plain.test(given)) return Number(given);
    context.addIssue({ code: "invalid_type", expected: "number", message: rule });
    return z.NEVER;
  }, schema);
}
