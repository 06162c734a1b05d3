# TeleFuser Stream as a container image, in two ways to the same folder:
#
#   docker build -t telefuser .                          from the checkout: Deno and the packages come from npm
#   docker build -t telefuser --target from-package .    from dist/telefuser-packaged: nothing is fetched
#
# For a site with mirrors:
#
#   --build-arg BASE_IMAGE=…           glibc 2.28 or newer, and sh; what the server runs on
#   --build-arg BUILD_IMAGE=…          Debian; what it is built on. One that has npm needs no Debian mirror
#   --build-arg DEBIAN_MIRROR=…        address of a Debian mirror, for npm and nothing else
#   --build-arg NPM_CONFIG_REGISTRY=…  address of an npm mirror, for Deno and the packages
#   --secret id=npmrc,src=…            an .npmrc, where that mirror asks who is there
#   --secret id=ca,src=…               certificates (PEM) to trust, where that mirror or a proxy has its own
#   --build-arg COMMIT=…               what `telefuser --version` and the labels say
#
# buildah: add `--format docker`, without which the health check is left out.

ARG BASE_IMAGE=debian:trixie-slim
ARG BUILD_IMAGE=debian:trixie-slim

# What both images have in common.
FROM ${BASE_IMAGE} AS runtime
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="TeleFuser Stream" \
  org.opencontainers.image.description="Streams what a video or audio pipeline yields to browsers over WebRTC" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.revision="${COMMIT}"
# One UDP port for media, so that it can be published.
ENV TELEFUSER_UDP_PORT=40000
EXPOSE 8088/tcp 40000/udp
WORKDIR /pipelines
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["telefuser", "health"]
ENTRYPOINT ["telefuser"]
CMD ["stream-serve", "/pipelines/pipeline.ts"]

FROM ${BASE_IMAGE} AS unpacked
COPY dist/telefuser-packaged scripts/container/unpack.sh /build/
RUN sh /build/unpack.sh /build/telefuser-packaged /opt/telefuser

FROM runtime AS from-package
COPY --from=unpacked /opt/telefuser /opt/telefuser
COPY --from=unpacked /opt/telefuser/launch /usr/local/bin/telefuser
COPY --from=unpacked /opt/telefuser/pipelines/video_replay.ts /pipelines/pipeline.ts

# Deno and the packages of the lock file.
FROM ${BUILD_IMAGE} AS packages
ARG DEBIAN_MIRROR=
RUN if ! command -v npm; then \
    if [ -n "${DEBIAN_MIRROR}" ]; then \
      . /etc/os-release && rm -rf /etc/apt/sources.list.d && \
      echo "deb ${DEBIAN_MIRROR} ${VERSION_CODENAME} main" >/etc/apt/sources.list; \
    fi && \
    apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates npm && \
    rm -rf /var/lib/apt/lists/*; \
  fi
ARG NPM_CONFIG_REGISTRY=
ARG DENO_VERSION=2.9.6
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
  if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi && \
  npm install --prefix /opt/deno --ignore-scripts --no-audit --no-fund "deno@${DENO_VERSION}" && \
  install -m 0755 /opt/deno/node_modules/@deno/linux-*-glibc/deno /usr/local/bin/deno
WORKDIR /build
COPY deno.json deno.lock ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
  if [ -f /run/secrets/ca ]; then export DENO_CERT=/run/secrets/ca; fi && \
  deno install --frozen

FROM packages AS build
COPY main.ts ./
COPY src src
COPY static static
COPY pipelines pipelines
COPY scripts/package scripts/package
COPY scripts/container/unpack.sh scripts/container/unpack.sh
ARG COMMIT=unknown
RUN deno task package --commit="${COMMIT}" && \
  sh scripts/container/unpack.sh dist/telefuser-packaged /opt/telefuser

FROM runtime AS telefuser
COPY --from=build /opt/telefuser /opt/telefuser
COPY --from=build /opt/telefuser/launch /usr/local/bin/telefuser
COPY --from=build /opt/telefuser/pipelines/video_replay.ts /pipelines/pipeline.ts
