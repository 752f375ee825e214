# A running `scout serve` for clients that are not written in Rust; to be sourced.

# $1 is the directory of a fleet, $2 the binary, the rest are variables for it. Leaves the process id in
# $server and the URL of the endpoint in $url; what it says goes to scout.log in the directory.
start_server() {
  local dir=$1 binary=$2
  shift 2
  env -i HOME="$dir/home" PATH="$PATH" SCOUT_HTTP_PORT=0 SCOUT_OPS_PORT=0 NO_COLOR=1 "$@" \
    "$binary" serve >"$dir/scout.log" 2>&1 &
  server=$!
  for _ in $(seq 200); do
    [ -e "$dir/scout.log" ] || { sleep 0.05 && continue; }
    url=$(grep -o -m 1 'http://[^ "]*/mcp' "$dir/scout.log" || true)
    if [ -n "$url" ] && curl -fs -m 2 "${url%/mcp}/health" >/dev/null; then return; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  echo "scout serve does not come up:" >&2
  cat "$dir/scout.log" >&2
  return 1
}

# Ends it in order; what it exits with is the answer.
stop_server() {
  local pid=$server code=0
  server=
  kill -TERM "$pid"
  wait "$pid" || code=$?
  return $code
}
