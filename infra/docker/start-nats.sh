#!/bin/sh
# The entry point of Compose's NATS: hands the passwords that make-secrets.mjs made to nats-server in its environment.
set -eu
for user in gateway tokenizer prefill decode operator; do
  password=$(cat "/secrets/$user/password")
  # nats-server takes an empty one for no password at all.
  [ -n "$password" ] || { echo "/secrets/$user/password is empty" >&2; exit 1; }
  case $user in
    gateway) export GATEWAY_PASSWORD="$password" ;;
    tokenizer) export TOKENIZER_PASSWORD="$password" ;;
    prefill) export PREFILL_PASSWORD="$password" ;;
    decode) export DECODE_PASSWORD="$password" ;;
    operator) export OPERATOR_PASSWORD="$password" ;;
  esac
done
exec nats-server --config /etc/nats/nats-server.conf
