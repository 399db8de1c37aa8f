# docker build --build-arg BASE=IMAGE-WITH-NODE-24 -t meshcert .        docs/image.md tells the rest.
#
# Any base with Node 24 will do. It needs neither a shell nor npm.
ARG BASE
ARG BUILDER=node:24-bookworm-slim

FROM ${BASE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="meshcert" \
      org.opencontainers.image.description="Turns the identity of a workload into a rotating SPIFFE certificate." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.meshcert.sbom="/usr/share/doc/meshcert/sbom.cdx.json"
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
# Numeric, so that runAsNonRoot can be checked. Nothing in the image belongs to it.
USER 65532:65532
WORKDIR /run/meshcert
EXPOSE 9902
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["meshcert", "healthcheck", "-c", "/etc/meshcert/meshcert.yaml"]
# The flags are those of the first line of dist/main.js.
ENTRYPOINT ["node", "--min-semi-space-size=8", "--v8-pool-size=1", "/usr/lib/meshcert/main.js"]
CMD ["run", "-c", "/etc/meshcert/meshcert.yaml"]

# For --target prebuilt: what `npm run build:image-root` left in build/image, without a network.
FROM runtime AS prebuilt
COPY build/image /

FROM ${BUILDER} AS build
ARG NODE=/nodejs/bin/node
WORKDIR /src
COPY package.json package-lock.json .npmrc .taprc ./
COPY scripts/ensure-installed.mjs scripts/
RUN node scripts/ensure-installed.mjs
COPY . .
# By the Node of the base, as the machine code that the build keeps fits no other version.
COPY --from=runtime ${NODE} ${NODE}
RUN ${NODE} scripts/build.mjs && ${NODE} scripts/build-image-root.mjs ${NODE}

FROM runtime
COPY --from=build /src/build/image /
