# syntax=docker/dockerfile:1

# The version that the tests run on. For an image that can be built again to the byte, give the digest that you trust:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:… .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# What runs: no development tools, nor what npm keeps of them because a package of ours could also use it. No install script is needed.
FROM ${NODE_IMAGE} AS production
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
# Source maps and TypeScript of libraries: no program reads them, and they are half of what the libraries take on a disk.
RUN find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.tsx' \) -delete

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN node_modules/.bin/tsc -p tsconfig.build.json

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Turnpike" \
      org.opencontainers.image.description="A reverse-proxy payment gateway for x402" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# One arena: memory that many threads have freed is given back sooner.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
# Everything belongs to root and is only read: the gateway cannot change its own code.
COPY --from=production /src/node_modules /opt/turnpike/node_modules
COPY --from=build /src/dist /opt/turnpike/dist
COPY package.json LICENSE /opt/turnpike/
COPY bin /opt/turnpike/bin
COPY config /opt/turnpike/config
# `turnpike` on the path, for `docker exec` and `kubectl exec`. And the one place that is written to: `store: sqlite:./turnpike.db` is a
# file in it. The root can be mounted read-only.
RUN ln -s /opt/turnpike/bin/turnpike.js /usr/local/bin/turnpike && install -d -o 10001 -g 10001 -m 0700 /var/lib/turnpike
VOLUME ["/var/lib/turnpike"]
WORKDIR /var/lib/turnpike
# By number, so that `runAsNonRoot` can tell that it is not root.
USER 10001:10001
EXPOSE 8402 9402
STOPSIGNAL SIGTERM
# For an admin listener on port 9402. With another, or with `admin: off`, give your own: Kubernetes probes ignore it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9402/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Without a shell: the gateway is process 1 and gets the signals itself.
ENTRYPOINT ["node", "/opt/turnpike/bin/turnpike.js"]
CMD ["start", "-c", "/etc/turnpike/gateway.yaml"]
