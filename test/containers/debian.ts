import { output } from "./command.js";

/** Where this machine's own packages come from; undefined where it is no Debian. */
export async function debianMirror(): Promise<string | undefined> {
  const format = "$(ORIGIN) $(REPO_URI)";
  const targets = await output("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]).catch(() => "");
  const [, mirror] = /^Debian (\S+\/debian)\/?$/m.exec(targets) ?? [];
  return mirror;
}
