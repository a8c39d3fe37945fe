import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** Runs a command and resolves with what it printed; rejects with the end of what it said. */
export function output(
  command: string,
  args: readonly string[],
  { env = process.env, cwd, timeoutMs = 600_000 }: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd, timeout: timeoutMs, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    let said = "";
    child.stdout.on("data", (bytes) => {
      printed += bytes;
      said += bytes;
    });
    child.stderr.on("data", (bytes) => {
      said += bytes;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(printed.trim());
      const end = said.trim().split("\n").slice(-40).join("\n");
      reject(new Error(`${command} ${args.join(" ")} ended with ${signal ?? code}:\n${end}`));
    });
  });
}

/** Whether a command ends well. */
export function works(command: string, args: readonly string[], options?: CommandOptions): Promise<boolean> {
  return output(command, args, options).then(
    () => true,
    () => false,
  );
}
