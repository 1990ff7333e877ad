# The one binary of Stoa, whose arguments choose the role: `docker run … stoa command-api`.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends mold zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The caches outlive a build; the binary is copied out of the one it lies in.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked -p stoa \
 && cp target/release/stoa /usr/local/bin/stoa

FROM debian:bookworm-slim
# curl asks for the health; zlib is what librdkafka compresses with.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --no-create-home --home-dir /var/lib/stoa --shell /usr/sbin/nologin stoa \
 && install -d -o stoa -g stoa /var/lib/stoa /var/cache/stoa
COPY --from=build /usr/local/bin/stoa /usr/local/bin/stoa
USER stoa
ENV STOA_DATA=/var/lib/stoa \
    STOA_CACHE=/var/cache/stoa \
    STOA_LISTEN=0.0.0.0:8080
VOLUME /var/lib/stoa
EXPOSE 8080
# A role is alive when it answers; /readyz tells whether it has caught up.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=12 \
    CMD curl --fail --silent --show-error http://127.0.0.1:8080/healthz
ENTRYPOINT ["stoa"]
CMD ["up"]
