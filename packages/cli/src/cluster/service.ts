import type { ServiceKind } from "./options.js";
import type { SupervisedProcess } from "./supervised-process.js";

export interface Service extends Pick<SupervisedProcess, "name" | "child" | "pid" | "ready"> {
  readonly kind: ServiceKind;
  /** Where it listens; empty while it is down and for one that does not listen. */
  readonly url: string;
}

/** A supervised process in the role that it has in the cluster. */
export class ClusterService implements Service {
  readonly kind: ServiceKind;
  readonly process: SupervisedProcess;

  constructor(kind: ServiceKind, process_: SupervisedProcess) {
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
