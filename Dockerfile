# One image per service; the target names it: docker build --target gateway -t tapedeck/gateway .
#   api  gateway  ticker  feed  cli
# The base decides which uWebSockets.js is native: Node 24 on Debian 13 (glibc 2.41) carries the newer build, and the gateway
# refuses to start in production where none is. Pin a digest over the tag where you build: --build-arg NODE_IMAGE=node@sha256:...
ARG NODE_IMAGE=node:24.11.1-trixie-slim

# Compiles all workspaces. Nothing of this stage but compiled files gets into an image.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund && npm run build

# The manifests alone: the dependencies below are installed anew only when one of these changes.
FROM build AS manifests
RUN mkdir /manifests \
 && cp --parents package.json package-lock.json .npmrc packages/*/package.json services/*/package.json /manifests

# What a service needs to run, each in a stage of its own so that they are built side by side. Scripts are not run: all native
# code comes as prebuilt files. Builds of uWebSockets.js for other platforms are 200 MB that nobody would load.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY --from=manifests /manifests ./
COPY deploy/production-dependencies.sh /usr/local/bin/production-dependencies

FROM dependencies AS api-dependencies
RUN production-dependencies services/api
FROM dependencies AS gateway-dependencies
RUN production-dependencies services/gateway
FROM dependencies AS ticker-dependencies
RUN production-dependencies services/ticker
FROM dependencies AS feed-dependencies
RUN production-dependencies services/feed
FROM dependencies AS cli-dependencies
RUN production-dependencies packages/cli

# Compiled packages and the Lua scripts that they read, without sources, tests or types.
FROM build AS compiled
RUN mkdir /compiled \
 && find packages services -path '*/node_modules' -prune -o -type f \
      \( -path '*/dist/*' ! -name '*.d.ts' ! -name '*.d.ts.map' ! -name '.tsbuildinfo' -o -name '*.lua' -o -path '*/public/*' -o -name package.json \) -print \
    | xargs cp --parents -t /compiled

FROM ${NODE_IMAGE} AS runtime
# Nothing in here installs anything.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
 && mkdir -p /tapes && chown 1000:1000 /tapes
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 TAPEDECK_STORE=/tapes
LABEL org.opencontainers.image.title="Tapedeck" \
      org.opencontainers.image.description="A tape deck for market data for every user, on one Redis-backed cluster" \
      org.opencontainers.image.licenses="MIT"
COPY --from=compiled /compiled ./
# A number, so that Kubernetes can see that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
# Frames are short-lived and many: why these flags, packages/cli/src/cluster/supervised.ts tells. Node is PID 1 and handles
# SIGTERM itself; the services start no other process, so there is nothing for an init to reap.
ENTRYPOINT ["node", "--min-semi-space-size=16", "--no-parallel-scavenge", "--heap-growing-percent=200", "--enable-source-maps"]

FROM runtime AS service
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

FROM service AS api
COPY --from=api-dependencies /app ./
CMD ["services/api/dist/main.js"]

FROM service AS gateway
COPY --from=gateway-dependencies /app ./
CMD ["services/gateway/dist/main.js"]

FROM service AS ticker
COPY --from=ticker-dependencies /app ./
CMD ["services/ticker/dist/main.js"]

FROM service AS feed
COPY --from=feed-dependencies /app ./
CMD ["services/feed/dist/main.js"]

FROM runtime AS cli
COPY --from=cli-dependencies /app ./
# For those who come in by `exec`.
COPY deploy/tapedeck /usr/local/bin/tapedeck
ENTRYPOINT ["node", "packages/cli/dist/main.js"]
CMD ["--help"]
