#!/bin/sh
# Installs what one workspace needs to run, as the lock file says, and removes native code for other platforms.
# Usage: production-dependencies services/gateway
set -eu
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace "$1"
native="uws_linux_$(node -p process.arch)_$(node -p process.versions.modules).node"
if [ -d node_modules/@btc-vision ]; then
  [ -f "node_modules/@btc-vision/uwebsockets.js/$native" ] || {
    echo "There is no uWebSockets.js build for this base image: $native is missing." >&2
    exit 1
  }
  find node_modules/@btc-vision -name '*.node' ! -name "$native" -delete
  # The older build is for Node 20, which this base is not; nor is the JavaScript server that it falls back to.
  rm -rf node_modules/@trufflesuite
fi
