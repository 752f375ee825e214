# Sourced: podman with storage and settings of its own, on a machine that may be a container itself.
# Everything is below $home, which `tests/run` keeps between runs.
home=${SCOUT_CONTAINERS:-$root/tests/.cache/containers}
mkdir -p "$home"

# crun cannot use the mixed control groups of such machines, and raising limits is not allowed there.
cat >"$home/storage.conf" <<C
[storage]
driver = "overlay"
runroot = "$home/run"
graphroot = "$home/store"
C
cat >"$home/containers.conf" <<C
[containers]
default_ulimits = [ "nofile=16384:16384", "nproc=16384:16384" ]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
[network]
network_backend = "netavark"
C
export CONTAINERS_STORAGE_CONF=$home/storage.conf CONTAINERS_CONF=$home/containers.conf

has_image() { podman image exists "$1"; }

fail() { echo "FAILED: $*" >&2; exit 1; }
pass() { echo "kept: $*"; }

# Waits until a command succeeds: seconds, what is waited for, the command.
eventually() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || fail "not in time: $what"
    sleep 0.2
  done
}
