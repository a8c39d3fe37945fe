import { z } from "zod";

const plain = /^-?\d+(\.\d+)?$/;
const rule = "must be a plain decimal number, such as 5 or 0.5";

/** A number in a body that other routes take from the path. It is refused with the same words as there. */
export const decimal = z.number({ error: ({ input }) => (input === undefined ? undefined : rule) });

/**
 * A number in a path or a query: digits, with an optional sign and fraction. Other texts that `Number` accepts
 * (`0x10`, `1e2`, `Infinity`, spaces, the empty text) are refused, so that a typing error is not obeyed.
 */
export function decimalText<Schema extends z.ZodType<unknown, number>>(schema: Schema) {
  return z.preprocess((given, context) => {
    if (typeof given === "string" && plain.test(given)) return Number(given);
    context.addIssue({ code: "invalid_type", expected: "number", message: rule });
    return z.NEVER;
  }, schema);
}
