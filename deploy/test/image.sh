# Sourced: what the image promises.
readonly image=localhost/scout:test
readonly locked=(--read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp)

test_image() {
  local revision=0123456789abcdef0123456789abcdef01234567
  build "$image" deploy/Dockerfile . --build-arg "REVISION=$revision" --build-arg VERSION=0.1.0 \
    >"$home/build.log" 2>&1 || { tail -n 40 "$home/build.log"; fail "the image is not built"; }
  # What earlier builds left and nothing uses any more.
  podman image prune -f >/dev/null
  looks
  answers
  ends_in_order
  refuses_to_be_open
}

inspect() { podman image inspect --format "$1" "$image"; }

looks() {
  local bytes
  bytes=$(inspect '{{.Size}}')
  [ "$bytes" -lt 30000000 ] || fail "the image has $bytes bytes"
  pass "the image has $((bytes / 100000)) hundred thousand bytes, less than 30 million"
  [ "$(inspect '{{.User}}')" = 65532:65532 ] || fail "it runs as $(inspect '{{.User}}')"
  [ "$(inspect '{{.Config.StopSignal}}')" = SIGTERM ] || fail "its stop signal is $(inspect '{{.Config.StopSignal}}')"
  [[ $(podman image inspect "$image") == *'"healthcheck"'* ]] ||
    fail "it has no health check"
  [ "$(inspect '{{index .Labels "org.opencontainers.image.licenses"}}')" = MIT ] || fail "its labels are incomplete"
  [[ $(inspect '{{index .Labels "org.opencontainers.image.revision"}}') == 0123456789* ]] || fail "no revision"
  [ "$(podman run --rm "${locked[@]}" --network none "$image" --version)" = "scout 0.1.0 (0123456789ab)" ] ||
    fail "the binary does not know its revision"
  local id
  id=$(podman create "$image")
  podman export "$id" | tar -t >"$home/files"
  podman rm "$id" >/dev/null
  ! grep -E '(^|/)(ba|da|a|)sh$|busybox' "$home/files" || fail "there is a shell in the image"
  grep -qx 'usr/share/sbom/scout.cdx.json' "$home/files" || fail "there is no list of components"
  pass "labels, revision, account, stop signal, health check, components, and no shell"
}

# Starts it as locked up as can be, with a key of its own; the ports are free ones of loopback.
start() { # name, arguments of podman..
  local name=$1
  shift
  podman rm -f -i "$name" >/dev/null
  podman run -d --name "$name" "${locked[@]}" -p 127.0.0.1::8000 -p 127.0.0.1::9464 \
    -e SCOUT_API_KEYS="$key" "$@" "$image" >/dev/null
}

port() { podman port "$1" "$2/tcp" | sed -n '1s/.*://p'; }

readonly key=key-of-the-container-test-0123456789

answers() {
  local best=999999 began took
  for _ in 1 2 3; do
    start scout-image
    began=$(podman inspect --format '{{.State.StartedAt.UnixMilli}}' scout-image 2>/dev/null || date +%s%3N)
    until curl -sf -o /dev/null "http://127.0.0.1:$(port scout-image 8000)/health"; do
      [ $(($(date +%s%3N) - began)) -lt 30000 ] || { podman logs scout-image; fail "it does not answer"; }
      sleep 0.02
    done
    took=$(($(date +%s%3N) - began))
    [ "$took" -ge "$best" ] || best=$took
  done
  [ "$best" -lt 1000 ] || fail "it answers after $best ms"
  pass "it answers $best ms after its start, at best of three"
  podman healthcheck run scout-image || fail "it is not healthy by its own check"
  local pid
  pid=$(podman inspect --format '{{.State.Pid}}' scout-image)
  grep -q '^Uid:.65532' "/proc/$pid/status" || fail "it runs as another account"
  grep -q '^CapEff:.0*$' "/proc/$pid/status" || fail "it has capabilities"
  grep -q '^NoNewPrivs:.1' "/proc/$pid/status" || fail "it may gain privileges"
  pass "healthy, as 65532, without capabilities, on a read-only root; resident $(awk '/VmRSS/ { print $2 }' "/proc/$pid/status") kB"
  local ops
  ops=http://127.0.0.1:$(port scout-image 9464)
  curl -sf -o /dev/null "$ops/readyz" || fail "/readyz does not answer"
  [ "$(curl -s -o /dev/null -w '%{http_code}' "$ops/metrics")" = 401 ] || fail "/metrics is open to all"
  # Not through a pipe: a reader that leaves early makes curl fail.
  curl -sf -o "$home/metrics" -H "Authorization: Bearer $key" "$ops/metrics" || fail "/metrics refuses a key"
  grep -q '^scout_build_info' "$home/metrics" || fail "/metrics has no metrics: $(cat "$home/metrics")"
  pass "probes are open, metrics are for a key"
}

ends_in_order() {
  local began took code
  began=$(date +%s%3N)
  podman stop -t 20 scout-image >/dev/null
  took=$(($(date +%s%3N) - began))
  code=$(podman inspect --format '{{.State.ExitCode}}' scout-image)
  [ "$code" = 0 ] || fail "it ended with $code"
  [ "$took" -lt 15000 ] || fail "it took $took ms to stop"
  podman rm -f scout-image >/dev/null
  pass "it ended with 0, $took ms after SIGTERM"
}

refuses_to_be_open() {
  local code=0
  podman run --rm "${locked[@]}" --network none "$image" >"$home/refused" 2>&1 || code=$?
  [ "$code" = 64 ] || fail "without a key it ends with $code: $(cat "$home/refused")"
  grep -q 'scout key new' "$home/refused" || fail "it does not say what to do: $(cat "$home/refused")"
  pass "without a key it does not listen on every address: exit 64"
}
