import { z } from "zod";

const plain = /^-?\d+(\.\d+)?$/;

/**
 * A number that comes as text, in a path or a query: digits, with a sign and a fraction if wanted. What `Number` takes besides
 * (`0x10`, `1e2`, `Infinity`, blanks, nothing at all) is of the wrong shape: a slip of the keyboard is not obeyed.
 */
export function decimalText<Schema extends z.ZodType<unknown, number>>(schema: Schema) {
  return z.preprocess((given, context) => {
    if (typeof given === "string" && plain.test(given)) return Number(given);
    context.addIssue({
      code: "invalid_type",
      expected: "number",
      message: "must be a plain decimal number, such as 5 or 0.5",
    });
    return z.NEVER;
  }, schema);
}
