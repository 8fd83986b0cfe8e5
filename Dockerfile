# One image for the services and the `mirror` command: `node services/<name>/src/main.ts`, `mirror <command>`.
# Node runs the TypeScript sources as they are, so the services have no build step, only an install; the console's page has one. `--target demo` adds the emulators.

FROM node:24-slim AS sources
WORKDIR /src
COPY . .
# Readable for the unprivileged user, whatever the umask of the checkout was.
RUN chmod -R u=rwX,go=rX .

# Only what the install depends on, so that editing a source file does not install again.
FROM sources AS manifests
RUN find . -type f ! -name package.json ! -name 'pnpm-*.yaml' ! -path './patches/*' -delete && find . -type d -empty -delete

FROM node:24-slim AS installer
ENV pnpm_config_store_dir=/pnpm-store
WORKDIR /app
COPY --from=manifests /src .

FROM installer AS dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/pnpm-store \
    npx --yes "$(node -p 'require("./package.json").packageManager')" install --prod --frozen-lockfile \
      --filter '{services/*}...' --filter '{cli}...' --filter '!{services/console/page}' \
    && rm -rf dev e2e patches

# A stage of its own: the image gets the built page, and neither Vite nor what the page is made of.
FROM installer AS page
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/pnpm-store \
    npx --yes "$(node -p 'require("./package.json").packageManager')" install --frozen-lockfile --filter '{services/console/page}...'
COPY --from=sources /src/tsconfig.json .
COPY --from=sources /src/services/console services/console
RUN node services/console/page/build.ts

FROM installer AS demo-dependencies
RUN --mount=type=cache,target=/root/.npm --mount=type=cache,target=/pnpm-store \
    npx --yes "$(node -p 'require("./package.json").packageManager')" install --prod --frozen-lockfile --filter '{dev/emulators}...'

FROM node:24-slim AS base
# The operations port listens on the container's own network; publishing it decides what can reach it.
ENV NODE_ENV=production MIRROR_OPS_HOST=0.0.0.0
RUN printf '#!/bin/sh\nexec node /app/cli/src/main.ts "$@"\n' > /usr/local/bin/mirror && chmod 755 /usr/local/bin/mirror
WORKDIR /app
CMD ["mirror", "--help"]

FROM base AS demo
COPY --from=demo-dependencies /app/node_modules node_modules
COPY --from=demo-dependencies /app/dev/emulators dev/emulators
COPY --from=sources /src/dev/emulators dev/emulators
USER 1000:1000
CMD ["node", "dev/emulators/src/main.ts"]

# The last stage is what `docker build .` makes.
FROM base AS runtime
COPY --from=dependencies /app .
COPY --from=sources /src/schemas schemas
COPY --from=sources /src/packages packages
COPY --from=sources /src/services services
COPY --from=sources /src/cli cli
RUN rm -rf services/console/page
COPY --from=page /app/services/console/page/dist services/console/page/dist
# What each start would compile and strip of its types again: a service is ready sooner and needs 20 MB less. Each is loaded and then ends with 78 (a bad
# configuration), since there is no such level.
ENV NODE_COMPILE_CACHE=/app/compiled
RUN install -d -o 1000 -g 1000 compiled
USER 1000:1000
RUN mirror --help > /dev/null \
    && for service in ingress sync-worker delete-worker console; do MIRROR_LOG_LEVEL=none node services/$service/src/main.ts 2> /dev/null || test $? = 78; done
