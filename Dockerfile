# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build
# The local chain is for development, and 43 MB.
RUN npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-slim
LABEL org.opencontainers.image.title="Turnpike" \
      org.opencontainers.image.description="A reverse-proxy payment gateway for x402" \
      org.opencontainers.image.licenses="Apache-2.0"
# One arena: memory that many threads have freed is given back sooner.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /opt/turnpike
# Everything belongs to root and is only read: the gateway cannot change its own code.
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY config config
USER node
EXPOSE 8402 9402
STOPSIGNAL SIGTERM
# For an admin listener at its default address. Elsewhere, or with `admin: off`, give your own: Kubernetes probes ignore it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9402/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/turnpike.js"]
CMD ["start", "-c", "/etc/turnpike/gateway.yaml"]
