# Two images. `product` is the default: the API and the worker, one static
# binary on nothing. `dev` adds what compose simulates: the object store and
# BankID. Neither has a shell; `handslag health` is what health checks run.

FROM golang:1.26.8-bookworm AS source
WORKDIR /src
ENV CGO_ENABLED=0
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .

FROM source AS build
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w" -o /out/handslag ./cmd/handslag
# A new named volume takes the owner of the folder that it is mounted on.
RUN mkdir -p /out/var/lib/handslag/objects /out/var/lib/handslag/world /out/var/lib/handslag/spool && mkdir -m 1777 /out/tmp

FROM build AS build-dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    cd dev && go build -trimpath -ldflags="-s -w" -o /out/handslag-dev ./cmd/handslag-dev

FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/tmp /tmp
COPY --from=build --chown=65532:65532 /out/var/lib/handslag /var/lib/handslag
COPY LICENSE NOTICE /
COPY --from=build /out/handslag /handslag
ENV HOME=/tmp
USER 65532:65532

FROM base AS dev
COPY --from=build-dev /out/handslag-dev /handslag-dev
ENTRYPOINT ["/handslag-dev"]

FROM base AS product
EXPOSE 8080
# Of the API. The worker, which listens nowhere, is asked with `health worker`.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/handslag", "health", "url", "http://127.0.0.1:8080/health/live"]
ENTRYPOINT ["/handslag"]
