# Makes a Cluster of the six pods, unless they are one. The nodes are told addresses: they meet by those alone.
set -e
# NODE_ADDRESS is that of the nodes' own user in the secret `redis`.
REDISCLI_AUTH=${NODE_ADDRESS#*://node:} && export REDISCLI_AUTH=${REDISCLI_AUTH%%@*}
node() { redis-cli --user node "$@"; }
nodes=
for n in 0 1 2 3 4 5; do
  host=redis-cluster-$n.redis-cluster
  until node -h $host ping | grep -q PONG; do sleep 1; done
  nodes="$nodes $(getent hosts $host | cut -d ' ' -f 1):6379"
done
if node -h redis-cluster-0.redis-cluster cluster info | grep -q cluster_slots_assigned:16384; then exit 0; fi
node --cluster create $nodes --cluster-replicas 1 --cluster-yes
