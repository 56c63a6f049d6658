"""Mounts, symlinks and owners, without touching what may hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.frame.mountinfo import Mount, parse_mountinfo, remote_mounts
from checks.frame.paths import UnsafePath, check_trusted, walk

MOUNTINFO = r"""
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:21 / /sys rw,nosuid - sysfs sysfs rw
24 22 0:22 / /proc rw shared:5 master:2 - proc proc rw
30 22 0:40 / /srv/nfs\040share rw,relatime shared:7 - nfs4 server:/export/a\040b rw,vers=4.2
31 22 0:41 /sub /srv/nfs3 rw - nfs 10.0.0.1:/x rw
32 22 0:42 / /srv/back\134slash rw shared:9 - cifs //server/share rw
33 22 0:43 / /mnt/moose rw - fuse.mfs mfsmaster:9421 rw
34 22 0:44 / /mnt/sshfs rw - fuse.sshfs me@host:/ rw
35 22 0:45 / /mnt/plain-fuse rw - fuse /dev/fuse rw
36 22 8:17 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
37 22 0:46 / /mnt/ceph rw shared:1 - ceph 10.0.0.1:6789:/ rw
38 22 0:47 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/nfs
39 22 0:48 / /home rw - autofs systemd-1 rw
40 22 0:49 / /mnt/9 rw - 9p share rw
41 22 0:50 / /tmp rw shared:12 - tmpfs tmpfs rw
42 22 0:51 / /mnt/tab\011new\012line rw - nfs4 s:/ rw
43 22 0:52 / /mnt/local-nfs-name rw - xfs nfs rw
44 22 0:53 / /mnt/lustre rw - lustre a@tcp:/fs rw
"""


def test_remote_mounts() -> None:
    assert remote_mounts(MOUNTINFO) == {
        "/srv/nfs share": "nfs4",
        "/srv/nfs3": "nfs",
        "/srv/back\\slash": "cifs",
        "/mnt/moose": "fuse.mfs",
        "/mnt/sshfs": "fuse.sshfs",
        "/mnt/plain-fuse": "fuse",
        "/mnt/ceph": "ceph",
        "/home": "autofs",
        "/mnt/9": "9p",
        "/mnt/tab\tnew\nline": "nfs4",
        "/mnt/lustre": "lustre",
    }


def test_every_mount_with_what_the_kernel_escapes() -> None:
    found = {mount.point: (mount.kind, mount.source) for mount in parse_mountinfo(MOUNTINFO)}
    assert len(found) == 18
    assert found["/srv/nfs share"] == ("nfs4", "server:/export/a b")
    assert parse_mountinfo(r"1 2 0:1 / /a\043\9\04 rw - ext4 /dev/x\ rw") == [Mount("/a#\\9\\04", "ext4", "/dev/x\\")]


@pytest.mark.parametrize("text", ["", "garbage", "1 2 3", "30 22 0:40 / /x rw - ", MOUNTINFO[: len(MOUNTINFO) // 2]])
def test_truncated_mountinfo_is_no_error(text: str) -> None:
    assert set(remote_mounts(text)) <= set(remote_mounts(MOUNTINFO))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """local/dir/file, a directory "remote" that stands for a mount, and symlinks."""
    (tmp_path / "local" / "dir").mkdir(parents=True)
    (tmp_path / "local" / "dir" / "file").touch()
    (tmp_path / "remote" / "dir").mkdir(parents=True)
    for name, target in {
        "to-dir": "local/dir",
        "to-remote": "remote",
        "around": "to-dir/../../remote/dir",
        "absolute": str(tmp_path / "local" / ".." / "to-remote"),
        "loop": "loop",
        "up": "local/dir/..",
    }.items():
        (tmp_path / name).symlink_to(target)
    return tmp_path


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every path that is looked at."""
    seen: list[str] = []
    lstat, readlink = os.lstat, os.readlink

    def record_lstat(path: str) -> os.stat_result:
        seen.append(path)
        return lstat(path)

    def record_readlink(path: str) -> str:
        seen.append(path)
        return readlink(path)

    monkeypatch.setattr(os, "lstat", record_lstat)
    monkeypatch.setattr(os, "readlink", record_readlink)
    return seen


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("local/dir/file", ["local", "local/dir", "local/dir/file"]),
        ("local//./dir/", ["local", "local/dir"]),
        ("local/dir/..", ["local", "local/dir", "local"]),
        ("to-dir/file", ["to-dir", "local", "local/dir", "local/dir/file"]),
        ("to-dir/../dir", ["to-dir", "local", "local/dir", "local", "local/dir"]),
        ("up/dir", ["up", "local", "local/dir", "local", "local/dir"]),
    ],
)
def test_walk(tree: Path, touched: list[str], path: str, steps: list[str]) -> None:
    above = ["/", *(str(parent) for parent in reversed(tree.parents) if str(parent) != "/"), str(tree)]
    walked = [place for place, _ in walk(f"{tree}/{path}", {str(tree / "remote"): "nfs4"})]
    assert walked == above + [str(tree / step) for step in steps]
    assert set(touched) == set(walked)


@pytest.mark.parametrize(
    "path",
    [
        "remote",
        "remote/dir",
        "remote/../local",
        "to-remote",
        "to-remote/dir",
        "around",
        "absolute",
        "absolute/..",
        "local/../remote",
        "to-dir/../../remote",
        "remote/none",
    ],
)
def test_a_remote_mount_is_never_touched(tree: Path, touched: list[str], path: str) -> None:
    remote = str(tree / "remote")
    with pytest.raises(UnsafePath) as refused:
        list(walk(f"{tree}/{path}", {remote: "nfs4"}))
    assert str(refused.value) == f"{remote} is on nfs4, which may hang"
    assert [place for place in touched if place == remote or place.startswith(f"{remote}/")] == []
    assert touched


def test_endless_symlinks_are_refused(tree: Path) -> None:
    with pytest.raises(UnsafePath, match="has too many symbolic links"):
        list(walk(f"{tree}/loop", {}))


@pytest.mark.parametrize("path", ["none", "local/none/x", "local/dir/file/x"])
def test_what_is_missing_is_an_os_error(tree: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"No such file|Not a directory"):
        list(walk(f"{tree}/{path}", {}))


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o1777, 0o1770, 0o500])
def test_trusted_modes(tree: Path, mode: int) -> None:
    (tree / "local").chmod(mode)
    check_trusted(str(tree / "to-dir"), {}, os.geteuid())


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o702, 0o720, 0o2775])
@pytest.mark.parametrize("path", ["local", "local/dir", "to-dir/file"])
def test_untrusted_modes(tree: Path, mode: int, path: str) -> None:
    (tree / "local").chmod(mode)
    with pytest.raises(UnsafePath) as refused:
        check_trusted(str(tree / path), {}, os.geteuid())
    assert str(refused.value) == f"{tree / 'local'} is writable by others (mode {mode:04o})"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_owners(tree: Path) -> None:
    os.chown(tree / "local", 4242, 4242)
    check_trusted(str(tree / "local" / "dir"), {}, 4242)
    with pytest.raises(UnsafePath) as refused:
        check_trusted(str(tree / "local" / "dir"), {}, 0)
    assert str(refused.value) == f"{tree / 'local'} belongs to another user (uid 4242)"
    os.lchown(tree / "to-dir", 4343, 4343)
    with pytest.raises(UnsafePath, match=r"to-dir belongs to another user \(uid 4343\)"):
        check_trusted(str(tree / "to-dir"), {}, 4242)
