# Real SSH hosts for clients that are not written in Rust; to be sourced. Everything it starts and writes
# stays below one directory and ends with stop_fleet.

# $1 is a new directory, $2 the number of hosts: web-01 and on.
start_fleet() {
  local dir=$1 count=$2 index user sftp
  mkdir -p "$dir/home/.ssh"
  # sshd reads the authorised keys as the user who logs in.
  chmod 711 "$dir"
  user=$(fleet_user)
  sftp=/usr/lib/openssh/sftp-server
  [ -x "$sftp" ] || sftp=internal-sftp
  ssh-keygen -q -t ed25519 -N '' -f "$dir/home/.ssh/id_ed25519"
  cp "$dir/home/.ssh/id_ed25519.pub" "$dir/authorized_keys"
  chmod 644 "$dir/authorized_keys"
  fleet_pids=()
  for ((index = 1; index <= count; index++)); do
    start_host "$dir" "$index" "$user" "$sftp"
  done
}

start_host() { # directory, index, user, sftp server
  local dir=$1 name address port attempt
  name=$(printf 'web-%02d' "$2")
  address=127.$((RANDOM % 200 + 20)).$((RANDOM % 250)).$2
  ssh-keygen -q -t ed25519 -N '' -f "$dir/$name.key"
  for attempt in 1 2 3 4 5; do
    port=$((RANDOM % 20000 + 20000))
    cat >"$dir/$name.conf" <<CONF
ListenAddress $address:$port
HostKey $dir/$name.key
AuthorizedKeysFile $dir/authorized_keys
PidFile $dir/$name.pid
Subsystem sftp $4
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
CONF
    "$(fleet_sshd)" -D -e -f "$dir/$name.conf" 2>>"$dir/$name.log" &
    local pid=$!
    # Its end is our doing; the shell need not report it.
    disown "$pid"
    if wait_for_banner "$pid" "$address" "$port"; then
      fleet_pids+=("$pid")
      printf '[%s]:%s %s\n' "$address" "$port" "$(cut -d' ' -f1,2 "$dir/$name.key.pub")" \
        >>"$dir/home/.ssh/known_hosts"
      printf 'Host %s\n  HostName %s\n  Port %s\n  User %s\n  IdentityFile %s\n  UserKnownHostsFile %s\n\n' \
        "$name" "$address" "$port" "$3" "$dir/home/.ssh/id_ed25519" "$dir/home/.ssh/known_hosts" \
        >>"$dir/home/.ssh/config"
      return
    fi
  done
  echo "sshd does not start after $attempt attempts:" >&2
  cat "$dir/$name.log" >&2
  return 1
}

wait_for_banner() { # process id, address, port
  local banner
  for _ in $(seq 100); do
    kill -0 "$1" 2>/dev/null || return 1
    if { exec 9<>"/dev/tcp/$2/$3"; } 2>/dev/null; then
      read -r -t 5 -n 4 banner <&9 || true
      exec 9>&-
      [ "$banner" = SSH- ] && return 0
    fi
    sleep 0.05
  done
  return 1
}

# An ordinary account: as root one is made, unlocked but with a password that nothing matches.
fleet_user() {
  [ "$(id -u)" = 0 ] || { id -un; return; }
  mkdir -p /run/sshd
  getent passwd scout-t1 >/dev/null ||
    flock /tmp/scout-test-accounts.lock sh -c \
      'getent passwd scout-t1 >/dev/null || useradd -m -p "*" -s /bin/sh scout-t1' >&2
  echo scout-t1
}

# Re-executing itself, sshd insists on an absolute path.
fleet_sshd() { command -v sshd || echo /usr/sbin/sshd; }

stop_fleet() {
  local pid
  for pid in "${fleet_pids[@]:-}"; do
    [ -n "$pid" ] || continue
    kill_below "$pid"
    kill -KILL "$pid" 2>/dev/null || true
  done
}

kill_below() { # process id
  local child
  for child in $(ps -o pid= --ppid "$1" 2>/dev/null); do
    kill_below "$child"
    kill -KILL "$child" 2>/dev/null || true
  done
}
