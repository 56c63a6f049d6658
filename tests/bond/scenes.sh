# Shared by what runs in the guest: each scene prints its name, the whole output of a check, and its exit code.
scene() { echo "@@ $1"; shift; "$@" 2>&1; echo "@@ $?"; }
join() { bond=$1; shift; for link in "$@"; do ip link set "$link" down; ip link set "$link" master "$bond"; done; }
