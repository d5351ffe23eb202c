#!/bin/sh
# Puts scimd in place on Debian and Ubuntu: binary, systemd unit, user, directories and settings.
# Running it again upgrades the binary and the unit; settings and data stay as they are.
#
#   packaging/install.sh [--binary FILE] [--root DIR]
#
# --binary FILE  the binary to install (target/release/scimd unless said)
# --root DIR     install below DIR instead of /, without touching users or services: for trying, and for packages
set -eu

here=$(cd "$(dirname "$0")" && pwd)
binary=$here/../target/release/scimd
root=

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --binary | --root)
      [ $# -ge 2 ] || fail "$1 needs a value"
      if [ "$1" = --binary ]; then binary=$2; else root=${2%/}; fi
      shift 2
      ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail "there is no option $1; see --help" ;;
  esac
done

[ -f "$binary" ] || fail "there is no binary at $binary; build it first: cargo build --release"
live=
if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || fail "be root (sudo packaging/install.sh), or name another root with --root DIR"
  live=yes
fi

# Beside and renamed, so that a running scimd keeps the file it has open.
put() {
  mode=$1 from=$2 to=$root$3
  mkdir -p "$(dirname "$to")"
  cp "$from" "$to.new"
  chmod "$mode" "$to.new"
  mv -f "$to.new" "$to"
  echo "installed $to"
}

put 0755 "$binary" /usr/bin/scimd
put 0644 "$here/scimd.service" /usr/lib/systemd/system/scimd.service
put 0644 "$here/scimd.socket" /usr/lib/systemd/system/scimd.socket
put 0644 "$here/scimd.conf" /usr/lib/sysusers.d/scimd.conf

if [ -n "$live" ]; then
  if command -v systemd-sysusers >/dev/null 2>&1; then
    systemd-sysusers /usr/lib/sysusers.d/scimd.conf
  elif ! getent passwd scimd >/dev/null; then
    useradd --system --user-group --home-dir /var/lib/scimd --no-create-home --shell /usr/sbin/nologin scimd
  fi
fi

mkdir -p "$root/etc/scimd" "$root/var/lib/scimd"
chmod 0750 "$root/etc/scimd"
chmod 0700 "$root/var/lib/scimd"
if [ -e "$root/etc/scimd/scimd.toml" ]; then
  echo "kept $root/etc/scimd/scimd.toml"
else
  put 0640 "$here/scimd.toml" /etc/scimd/scimd.toml
fi

if [ -n "$live" ]; then
  # The service reads its settings and a key beside them; it writes in its data directory alone.
  chgrp -R scimd /etc/scimd
  chown -R scimd:scimd /var/lib/scimd
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if systemctl is-active --quiet scimd; then
      systemctl restart scimd
      echo "restarted scimd"
    else
      echo "next: look at /etc/scimd/scimd.toml, then: systemctl enable --now scimd"
    fi
  fi
fi
