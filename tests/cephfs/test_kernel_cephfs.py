"""The kernel's own CephFS client, in a virtual machine that is on a real Ceph's network: a mount of type "ceph"."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.ceph import TAP, Ceph
from lab.virtual_machine import VirtualMachine
from support import command

pytestmark = pytest.mark.needs(
    "kernel", "qemu-system-x86_64", "ceph", "ceph-mds", "ceph-osd", "ceph-fuse", "setfattr", "unshare", "nsenter"
)

GUEST = "10.88.0.2"
CARD = ["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no", "-device", "e1000,netdev=n0"]
# A dead network in between, and back. Each run is one line of what the check said, and its exit code.
STORY = """
set -e
card=$(ls /sys/class/net | grep -v lo)
ip address add {guest}/24 dev $card
ip link set $card up
mkdir /run/ceph /run/state
chmod 700 /run/state
mount -i -t ceph {monitor}:6789:/ /run/ceph -o name=admin,secret={secret} || {{ dmesg | tail -15 >&2; exit 1; }}
run() {{
    set +e
    {check} --state-dir /run/state "$@" >/run/said
    code=$?
    set -e
    echo "$code $(head -n 1 /run/said)"
}}
run
run --path /run/ceph/quota --depth 1
run -t5 --path '/run/ceph/q*'
ip link set $card down
run -t4 --path /run/ceph/late
run -t4 --path /run/ceph/late
echo "$(pgrep -c check_cephfs || true) left"
ip link set $card up
for second in $(seq 60); do
    run -t10 --path /run/ceph/late >/run/line
    grep -q "^0" /run/line && break
    sleep 1
done
cat /run/line
"""


@pytest.fixture(scope="module")
def ceph() -> Iterator[Ceph]:
    with Ceph(tap="tap0") as made:
        made.write("quota/inside", 1000, 3)
        made.setquota("quota", size=1 << 20, files=10)
        made.write("late", 500, 1)
        made.settle()
        yield made


def test_sizes_quotas_wildcards_and_a_dead_network(ceph: Ceph) -> None:
    story = STORY.format(
        guest=GUEST, monitor=TAP, secret=ceph.secret("client.admin"), check=" ".join(command("check_cephfs"))
    )
    with VirtualMachine("e1000", "ceph", devices=CARD, enter=ceph.namespace.enter) as machine:
        ran = machine.run("sh", "-c", story, seconds=200)
    assert (ran.code, ran.stderr.decode()) == (0, "")
    everything, tree, matched, dead, again, helpers, back = ran.output.splitlines()
    assert everything.startswith("0 CEPHFS OK - /run/ceph 3.4 KiB | run_ceph_rbytes=3500B;;;0 ")
    assert tree.startswith("0 CEPHFS OK - 2 directories, largest /run/ceph/quota 2.9 KiB, 0.3% of its quota | ")
    assert "run_ceph_quota_rbytes=3000B;;;0;1048576 " in tree
    assert "run_ceph_quota_inside_rfiles=3;;;0 " in tree
    assert "run_ceph_quota_quota_files_used_percent=50%;80;95;0 " in tree
    assert matched.startswith("0 CEPHFS OK - /run/ceph/quota 2.9 KiB, 0.3% of its quota | ")
    # a wait in the kernel's client can be killed, unlike one in FUSE: no helper is left behind
    assert dead == again == "3 CEPHFS UNKNOWN - /run/ceph did not answer in time"
    assert helpers == "0 left"
    assert back.startswith("0 CEPHFS OK - /run/ceph/late 500 B | ")
