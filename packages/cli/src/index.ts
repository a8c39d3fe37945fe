export type { ClusterSnapshot } from "./cluster/cluster-file.js";
export { type Cluster, startCluster } from "./cluster/local-cluster.js";
export type { ClusterOptions, ServiceKind } from "./cluster/options.js";
export type { Service } from "./cluster/service.js";
export { nodeFlags } from "./cluster/supervised-process.js";
export { UserError } from "./user-error.js";
