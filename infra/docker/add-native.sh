#!/bin/sh
# add-native.sh wasm|node|gpu FOLDER: a step of the Dockerfile, installs the native backend there, as `npm run native` does.
set -eu
backend=$1
folder=$2
mkdir -p "$folder"
case $backend in
  wasm) exit 0 ;;
  node) set -- ;;
  gpu) set -- --gpu ;;
  *) echo "BACKEND is $backend: expected wasm, node or gpu" >&2; exit 1 ;;
esac
apt-get update -qq
apt-get install -y -qq --no-install-recommends g++ binutils python3 python3-pip >/dev/null
SLICEWAY_NATIVE=$folder node infra/local/dist/native/main.js "$@"
