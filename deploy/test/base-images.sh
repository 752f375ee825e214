# Sourced: stands in for the public base images where no registry can be reached, made of Debian's own
# packages and the Rust that is here, under the names the Dockerfile has for them.
readonly debian=docker.io/library/debian:bookworm-slim
readonly rust=docker.io/library/rust:1.95-slim-bookworm
readonly distroless=gcr.io/distroless/static-debian12:nonroot
readonly prometheus=docker.io/prom/prometheus:v3.5.0

make_debian() {
  has_image "$debian" && return
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sed -n 1p)
  rm -rf "$home/rootfs"
  debootstrap --variant=minbase bookworm "$home/rootfs" "$mirror" >"$home/debootstrap.log" 2>&1 ||
    { tail -n 5 "$home/debootstrap.log"; return 1; }
  tar -C "$home/rootfs" -c . | podman import -q --change 'CMD ["/bin/bash"]' - "$debian"
  rm -rf "$home/rootfs"
}

# What distroless/static has: certificates, time zones, an account, and no shell.
make_distroless() {
  has_image "$distroless" && return
  local work=$home/static
  rm -rf "$work"
  mkdir -p "$work/debs" "$work/root"
  (cd "$work/debs" && apt-get -q -o APT::Sandbox::User=root download \
    ca-certificates tzdata base-files netbase >/dev/null)
  local package
  for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  cd "$work/root"
  rm -rf usr/share/doc usr/share/man usr/share/locale usr/bin/* usr/sbin/*
  mkdir -p tmp home/nonroot etc/ssl/certs
  chmod 1777 tmp
  cat usr/share/ca-certificates/mozilla/*.crt >etc/ssl/certs/ca-certificates.crt
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >etc/passwd
  printf 'root:x:0:\nnonroot:x:65532:\n' >etc/group
  chown -R 65532:65532 home/nonroot
  tar -c . | podman import -q --change 'USER 65532:65532' --change 'WORKDIR /home/nonroot' - "$distroless"
  cd "$root"
  rm -rf "$work"
}

# The tools come in by mount when an image is built on this one, see `build`.
make_rust() {
  has_image "$rust" && return
  printf '%s\n' "FROM $debian" \
    'RUN apt-get update -q && apt-get install -y -q --no-install-recommends gcc libc6-dev ca-certificates && rm -rf /var/lib/apt/lists/*' \
    'ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/rustup/bin:/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' |
    buildah bud -q --isolation=chroot --network host --pull-never -t "$rust" -f - "$home"
}

make_prometheus() {
  has_image "$prometheus" && return
  printf '%s\n' "FROM $debian" \
    'RUN apt-get update -q && apt-get install -y -q --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/*' \
    'RUN mkdir -p /prometheus && chown 65534:65534 /prometheus' \
    'USER 65534:65534' 'WORKDIR /prometheus' 'ENTRYPOINT ["/usr/bin/prometheus"]' |
    buildah bud -q --isolation=chroot --network host --pull-never --format docker -t "$prometheus" -f - "$home"
}

# The project's own Dockerfile, as it is.
build() { # tag, file, context, arguments..
  local tag=$1 file=$2 context=$3
  shift 3
  buildah bud --isolation=chroot --format docker --network host --pull-never --layers \
    -v "$(rustc --print sysroot):/usr/local/rustup:ro" \
    -v /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro \
    "$@" -t "$tag" -f "$file" "$context"
}
