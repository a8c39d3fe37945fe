export type { ClusterSnapshot } from "./cluster/cluster-file.js";
export type { ClusterOptions, ServiceKind } from "./cluster/options.js";
export { Problem } from "./cluster/problem.js";
export type { Service } from "./cluster/service.js";
export { type Cluster, startCluster } from "./cluster/start-cluster.js";
export { nodeFlags } from "./cluster/supervised.js";
