# Starts Redis with the users of users.acl: sh start.sh SETTINGS ADDRESSES RUN [more of redis-server's settings].
# ADDRESSES is the mounted secret: a file for each user with its REDIS_URL, redis://USER:PASSWORD@HOST. RUN is a folder in memory.
set -eu
settings=$1 addresses=$2 run=$3
shift 3
umask 077

password_of() {
  password=$(tr -d '\n' < "$addresses/$1")
  case $password in
    *"://$1:"*"@"*) password=${password#*"://$1:"} password=${password%%@*} ;;
    *) password= ;;
  esac
  case $password in
    '' | *[!A-Za-z0-9]*)
      echo "The key $1 of the secret redis must have the form redis://$1:PASSWORD@HOST, with a password of letters and digits." >&2
      exit 1 ;;
  esac
}

: > "$run/users.acl"
while read -r word name rules; do
  if [ "$name" = default ]; then
    echo "$word $name $rules"
  elif [ -e "$addresses/$name" ]; then
    password_of "$name"
    hash=$(printf %s "$password" | sha256sum)
    echo "$word $name #${hash%% *} $rules"
  else
    echo "The secret redis has no key $name, so Redis has no user $name." >&2
  fi
done < "${0%/*}/users.acl" >> "$run/users.acl"

cp "$settings" "$run/redis.conf"
echo "aclfile $run/users.acl" >> "$run/redis.conf"
# Nodes of a Redis Cluster are replicas of one another.
if [ -e "$addresses/node" ]; then
  password_of node
  printf 'masteruser node\nmasterauth %s\n' "$password" >> "$run/redis.conf"
elif grep -q '^cluster-enabled yes' "$settings"; then
  echo "The secret redis has no key node: the nodes of a Redis Cluster need it to replicate one another." >&2
  exit 1
fi
exec redis-server "$run/redis.conf" "$@"
