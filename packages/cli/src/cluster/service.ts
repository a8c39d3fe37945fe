import type { ServiceKind } from "./options.js";
import type { Supervised } from "./supervised.js";

export interface Service extends Pick<Supervised, "name" | "child" | "pid" | "ready"> {
  readonly kind: ServiceKind;
  /** Where it listens; empty while it is down and for one that does not listen. */
  readonly url: string;
}

/** A supervised process in the role that it has in the cluster. */
export class Member implements Service {
  readonly kind: ServiceKind;
  readonly process: Supervised;

  constructor(kind: ServiceKind, process_: Supervised) {
    this.kind = kind;
    this.process = process_;
  }
  get name(): string {
    return this.process.name;
  }
  get child() {
    return this.process.child;
  }
  get pid(): number {
    return this.process.pid;
  }
  get ready(): boolean {
    return this.process.ready;
  }
  get url(): string {
    return this.process.url ?? "";
  }
}
