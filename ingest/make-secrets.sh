#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml names, each a file for one reader; what is there stays.
#
#   sudo ingest/make-secrets.sh secrets broker.example.org       once: keys, password, certificates
#   sudo ingest/make-secrets.sh secrets --gateway gw-0001        a certificate for one gateway
#   sudo ingest/make-secrets.sh secrets --authority              once, where gateways enrol with codes
#
# ca.key signs certificates: keep it off the server, unless gateways enrol there.
set -euo pipefail

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$#" -ge 2 ] || usage
[ "$(id -u)" -eq 0 ] || { echo "run it as root: the files belong to the containers' users" >&2; exit 1; }

folder=$1
server_user=10001
broker_user=1883
ca_days=3650
certificate_days=90
umask 077
mkdir -p "$folder"
cd "$folder"

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# Certificate of $2 under the file name $1, for the use $3.
issue() {
  new_key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial \
    -days "$certificate_days" -out "$1.crt" -extfile <(printf '%s\n' "$3") 2>/dev/null
  rm "$1.csr"
  chmod 0644 "$1.crt"
}

if [ "$2" = "--gateway" ]; then
  id=${3:?name the gateway}
  case "$id" in */* | *+* | *'#'*) echo "a gateway's id has none of / + #" >&2; exit 2 ;; esac
  issue "gateway-$id" "$id" "extendedKeyUsage=clientAuth"
  echo "bring to the gateway: $folder/ca.crt $folder/gateway-$id.crt $folder/gateway-$id.key"
  exit 0
fi

if [ "$2" = "--authority" ]; then
  # What the role `enrol` signs with, and where it lists withdrawn certificates for the broker.
  mkdir -p authority crl
  cp ca.key ca.crt authority/
  chown -R "$server_user" authority crl
  chmod 0600 authority/ca.key
  chmod 0755 crl
  echo "made in $folder: authority and crl; next: docker compose --profile enrol up -d"
  exit 0
fi

host=$2
if [ ! -e ca.key ]; then
  new_key ca.key
  openssl req -x509 -new -key ca.key -days "$ca_days" -subj "/CN=yikao $host" -out ca.crt
  chmod 0644 ca.crt
fi
[ -e broker.crt ] || issue broker "$host" "subjectAltName=DNS:$host"
chown "$broker_user" broker.key

if [ ! -e database-password ]; then
  openssl rand -hex 24 >database-password
  printf 'database:5432:yikao:yikao:%s\n' "$(cat database-password)" >pgpass
fi
for name in link.key webhook.key watch.key; do
  [ -e "$name" ] || openssl rand -out "$name" 32
done
[ -e users ] || : >users
chown "$server_user" pgpass link.key webhook.key watch.key users
# Docker mounts the files one by one; the folder itself stays root's.
chmod 0711 .
echo "made in $folder: keys, password, certificates; next: the doctors' passwords in $folder/users"
