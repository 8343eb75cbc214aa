# One small image for GitHub, Forgejo and Gitea actions, GitLab jobs and
# Woodpecker and Drone plugins.

# The build runs on the builder's own platform and cross-compiles. Builders
# without BuildKit (Forgejo's and Gitea's runners) do not set the variables:
# then it is their own platform all the way.
FROM --platform=${BUILDPLATFORM:-linux} golang:1.26-alpine AS build
ARG TARGETOS TARGETARCH VERSION=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /dokploy-deploy .

# A shell, because a GitLab job needs one in its image. CA certificates are in
# the binary. No USER and no WORKDIR: GitHub mounts files that only root may
# write and sets the working directory itself.
FROM busybox:1.37-musl
COPY --from=build /dokploy-deploy /bin/dokploy-deploy
# The exec form: a shell would drop INPUT_API-KEY, whose name has a hyphen.
ENTRYPOINT ["/bin/dokploy-deploy"]
