# One image per process, chosen by the target: docker build --target gateway -t tapedeck/gateway .
#   api  gateway  ticker  feed  venue  cli
# All of them, with version and revision: npm run images. Behind a mirror of npm's registry: --secret id=npmrc,src=$HOME/.npmrc
# (docs/operations.md).
#
# The base determines which native build of uWebSockets.js loads: Node 24 on Debian 13 (glibc 2.41) can load the newer one. In production
# the gateway refuses to start without a native build. `npm run images:digests` writes the base's digest behind its tag.
ARG NODE_IMAGE=node:24.22.3-trixie-slim

# Only the manifests, so that dependencies are installed again only when a manifest changes.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /source
COPY . .
RUN mkdir /manifests \
 && cp --parents package.json package-lock.json .npmrc packages/*/package.json services/*/package.json /manifests

# Compiles all workspaces and bundles each process. Images copy only /images from this stage. No package scripts run: all native code is
# prebuilt.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY --from=manifests /manifests ./
RUN --mount=type=secret,id=npmrc \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=cache,target=/var/cache/npm \
    NODE_USE_SYSTEM_CA=1 NPM_CONFIG_USERCONFIG=/run/secrets/npmrc NPM_CONFIG_CACHE=/var/cache/npm npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && node scripts/bundle-images.mjs /images

FROM ${NODE_IMAGE} AS runtime
# Package managers are not needed at run time.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
 && mkdir -p /tapes && chown 1000:1000 /tapes
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 TAPEDECK_STORE=/tapes
# For docker image inspect, scanners and registries. scripts/images.mjs sets the values.
ARG VERSION=dev REVISION= SOURCE= CREATED=
LABEL org.opencontainers.image.title="Tapedeck" \
      org.opencontainers.image.description="A tape deck for market data for every user, on one Redis-backed cluster" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
# A number, so that Kubernetes can verify that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
# Frames are many and short-lived: packages/cli/src/cluster/supervised-process.ts explains these flags. Node is PID 1 and handles
# SIGTERM itself; the services start no other process, so no init is needed to reap any.
ENTRYPOINT ["node", "--min-semi-space-size=16", "--no-parallel-scavenge", "--heap-growing-percent=200", "--enable-source-maps"]

FROM runtime AS service
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

FROM service AS api
COPY --from=build /images/api ./
CMD ["services/api/dist/main.js"]

FROM service AS gateway
COPY --from=build /images/gateway ./
CMD ["services/gateway/dist/main.js"]

FROM service AS ticker
COPY --from=build /images/ticker ./
CMD ["services/ticker/dist/main.js"]

FROM service AS feed
COPY --from=build /images/feed ./
CMD ["services/feed/dist/main.js"]

FROM service AS venue
COPY --from=build /images/venue ./
CMD ["services/venue/dist/main.js"]

FROM runtime AS cli
COPY --from=build /images/cli ./
# For `docker exec` and `kubectl exec`.
COPY deploy/tapedeck /usr/local/bin/tapedeck
ENTRYPOINT ["node", "packages/cli/dist/main.js"]
CMD ["--help"]
