# A restarted pod has another address. A single one announces it to the others, but when all restart at once no node knows another's.
address=$(cat /etc/redis-addresses/node)
REDISCLI_AUTH=${address#*://node:} && export REDISCLI_AUTH=${REDISCLI_AUTH%%@*}
node() { redis-cli --user node "$@"; }
until node ping | grep -q PONG; do sleep 1; done
if node cluster info | grep -q 'cluster_known_nodes:1[^0-9]'; then exit 0; fi # there is no Cluster yet
for n in 0 1 2 3 4 5; do
  address=$(getent hosts redis-cluster-$n.redis-cluster | cut -d ' ' -f 1)
  if [ -n "$address" ]; then node cluster meet "$address" 6379; fi
done
exit 0
