"""Real outputs of many controllers and versions, each with the verdict that a correct check gives.

The captures are not part of this repository; they are used where they lie beside the checkout.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support import PROJECT, check

CORPUS = PROJECT.parent / "shared" / "corpus" / "megaraid"
OK, WARNING, CRITICAL, UNKNOWN = range(4)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the captures are not here")

# files that belong together -> the states that are right, and what the line says
VERDICTS: dict[str, tuple[tuple[int, ...], str]] = {
    "github-docs/ldpdinfo-predictive-smart-alert.txt": (
        (WARNING,),
        "c0 e1:s0 (6SJ17KP5) about to fail: SMART alert, 107 predictive failures",
    ),
    "github-docs/ldinfo-degraded-raid1.txt": ((CRITICAL,), "c0 v0 RAID1 degraded, not rebuilding"),
    "github-docs/ldinfo-degraded-writethrough.txt github-docs/pdlist-unconfigured-bad.txt": (
        (CRITICAL,),
        "c0 v0 RAID1 degraded, not rebuilding, write-back fell to write-through; c0 e252:s1 (***) unconfigured bad",
    ),
    "github-docs/pd-rebuild-fragment.txt": ((WARNING,), "c0 s? (6SJ2631L) rebuild"),
    "github-docs/pdrbld-showprog-10pct.txt": ((WARNING,), "c0 e1:s0 rebuild 10 %"),
    "github-docs/pdrbld-showprog-8pct-39min.txt": ((WARNING,), "c0 e252:s7 rebuild 8 %, done in 6.6-7.5 h"),
    "github-docs/pdrbld-showprog-none.txt": ((OK,), ""),
    "github-docs/ldinfo-check-consistency.txt": ((OK,), "consistency check 4 %, done in 8-10 d"),
    "github-docs/ldcc-showprog.txt": ((OK,), "c0 v3 consistency check 4 %, done in 11-13 d"),
    "github-docs/ldinfo-background-init.txt": ((OK,), "background initialisation 0 % (parity is not valid yet)"),
    "github-docs/cfgdsply-reconstruction.txt": ((OK,), "c0 v4 RAID5 reconstruction 0 %"),
    "github-docs/pdinfo-ubad-foreign-old.txt": ((CRITICAL,), "c0 e14:s5 (9VP3PAN5) unconfigured bad; c0 foreign"),
    "github-docs/pdgetmissing-one.txt": ((CRITICAL,), "c0 disk missing in array 0 row 1"),
    "github-docs/cfgdsply-missing-pd.txt": ((CRITICAL,), "c0 disk missing in disk 2"),
    "github-docs/cfgforeign-scan-0.txt": ((OK,), ""),
    "github-docs/cfgforeign-scan-2.txt": ((WARNING,), "c0 foreign configuration (2)"),
    "github-docs/getpreservedcachelist-pinned.txt": ((CRITICAL,), "c0 v2 lost, with unwritten data in the cache"),
    "github-docs/adpcount-0.txt": ((UNKNOWN,), "no MegaRAID controller here"),
    "github-docs/bbu-nonoperational-charging.txt": ((OK,), "c0 BBU learn cycle"),
    "github-docs/bbu-segfault-truncated.txt": ((UNKNOWN,), "c0 the tool crashed"),
    "github-docs/bbu-cvpm02-ok.txt": ((OK,), "c0 CacheVault fine"),
    "github-docs/adpcsched-info.txt": ((OK,), ""),
    "github-docs/adppr-info.txt": ((OK,), ""),
    "node-exporter/storcli_-cALL_show_all.json node-exporter/storcli_-cALL-eALL-sALL_show_all.json": (
        (OK,),
        "PRAID EP420i: 1 volume, 4 disks",
    ),
    "canonical-phe/cALL_show_all.txt": ((OK,), "HPE MR216i-a Gen10+: 1 volume, 2 disks"),
    "canonical-phe/perccli_output.json": ((OK,), "PERC H345 Front: 1 volume, 2 disks"),
    "canonical-phe/perccli_not_controller.json": ((UNKNOWN,), "no MegaRAID controller here"),
    "megaraid-dashboard/c0_show_all.json": ((WARNING,), "c0 chip at 110 C"),
    "megaraid-dashboard/controller_show_all_no_roc.json": ((OK,), "1 volume, 8 disks"),
    "megaraid-dashboard/controller_show_all_roc_na.json": ((OK,), "1 volume, 8 disks"),
    "megaraid-dashboard/eall_sall_show_all.json": ((WARNING, CRITICAL), "c0 e252:s0 (WD-WM00000001) 61 C"),
    "megaraid-dashboard/vall_show_all.json": ((OK,), "c0 v0 RAID5 consistency check 36 %"),
    "megaraid-dashboard/cv_show_all.json": ((OK,), ""),
    "megaraid-dashboard/bbu_show_all.json": ((OK,), ""),
    "megaraid-dashboard/c0_fall_show_all_absent.json": ((OK,), ""),
    "megaraid-dashboard/c0_fall_show_all_present.json": ((WARNING,), "c0 foreign configuration (1)"),
    "pystorcli2/show_foreign_config_00/__c0__fall_show_J.json": ((WARNING,), "c0 foreign configuration (1)"),
    "pystorcli2/show_foreign_config_01/__c0__fall_show_J.json": ((WARNING,), "c0 foreign configuration"),
    "pystorcli2/error_codes_00/__c0_show_J.json": ((WARNING,), "c0 foreign configuration"),
    "pystorcli2/set_state_offline_00/__c0_e35_s12_show_J.json": ((CRITICAL,), "c0 e35:s12 offline"),
    "pystorcli2/spindown_disk_00/__c0_e35_s12_show_J.json": ((OK,), "1 disk"),
    "pystorcli2/spindown_disk_00/__c0_show_J.json": ((OK,), "1 volume, 12 disks"),
    "pystorcli2/controllerSet-test00/_show_J.json": ((UNKNOWN,), "no MegaRAID controller here"),
    "pystorcli2/controllerSet-test01/_show_J.json": ((OK,), "2 controllers"),
    "storcli-check/single-controller.txt": ((OK,), "ServeRAID M5110e: 2 volumes, 16 disks"),
    "storcli-check/single-controller-ok__00-show-all.txt": ((OK,), "ServeRAID M5110e: 2 volumes, 16 disks"),
    "storcli-check/mutli-controller.txt": ((OK,), "3 controllers: 2 volumes, 20 disks"),
    "storcli-check/mutli-controller-ok__00-show-all.txt": ((OK,), "9286CV-8e"),
    "storcli-check/mutli-controller-ok__01-show-all.txt": ((OK,), "9240-8i: 1 volume, 8 disks"),
    "storcli-check/mutli-controller-ok__02-show-all.txt": ((OK,), "9286CV-8e: 1 volume, 12 disks"),
    "storcli-check/single-controller-ssd.txt": ((OK,), "AVAGO MegaRAID SAS 9361-8i: 1 volume, 16 disks"),
    "storcli-check/single-controller-hba.txt": ((OK,), "HBA 9400-16i: 0 volumes, 16 disks"),
    "storcli-check/single-controller-hba-wrighrc.txt": ((OK,), "ServeRAID N2226: 0 volumes, 12 disks"),
    "storcli-check/single-controller-degraded.txt": ((CRITICAL,), "c0 v1 RAID10 degraded, not rebuilding"),
    "storcli-check/multi-controller-degraded.txt": ((CRITICAL,), "c2 v0 RAID10 degraded, not rebuilding"),
    "storcli-check/single-controller-offline.txt": ((CRITICAL,), "c0 v1 RAID10 offline; c0 e24:s10 offline"),
    "storcli-check/single-controller-offline__00-show-all.txt": ((CRITICAL,), "c2 v0 RAID10 offline"),
    "storcli-check/multi-controller-offline.txt": ((CRITICAL,), "c2 v0 RAID10 offline; c2 e88:s2 offline"),
    "storcli-check/multi-controller-offline__02-show-all.txt": ((CRITICAL,), "c2 v0 RAID10 offline"),
    "storcli-check/single-controller-missing-drive-count.txt": ((UNKNOWN,), "its number of drives is missing"),
    # what can be read of these is as bad as can be, and what cannot be read is said too
    "storcli-check/single-controller-offline-pd-not-parsed.txt": (
        (CRITICAL,),
        "c0 v1 RAID10 offline; c0 lists 10 of its 16 disks, a drive cannot be read: x24:10 and 5 more",
    ),
    "storcli-check/single-controller-offline-vd-not-parsed.txt": (
        (CRITICAL,),
        "c0 lists 1 of its 2 virtual drives, a virtual drive cannot be read: x1/1",
    ),
    "github-docs/storcli-vall-degraded.txt github-docs/storcli-sall-ubad-garbage-model.txt": (
        (CRITICAL,),
        "c0 v0 RAID10 degraded, not rebuilding; c0 v1 RAID10 degraded, not rebuilding; c0 e252:s3 unconfigured bad",
    ),
    "github-docs/storcli-cv-failed.txt": ((WARNING,), "c0 CacheVault failed"),
    "github-docs/storcli-sall-err46.txt": ((CRITICAL,), "c0 e8:s14 does not answer its controller (error 46)"),
    "github-docs/perccli2-vall.txt": ((OK,), "1 volume"),
    "github-docs/perccli2-rebuild-none.txt": ((OK,), ""),
    "scrutiny/smart-megaraid0.json": ((OK,), "1 disk"),
    "scrutiny/smart-megaraid1.json": ((OK,), "1 disk"),
    "scrutiny/smart-fail2.json": ((CRITICAL,), "failing: reallocated 1975"),
    "scrutiny/smart-fail.json": ((UNKNOWN,), "Open failed, Error=5"),
    "scrutiny/smartctl_scan_megaraid.json": ((UNKNOWN,), "this is no report of a disk"),
    "scrutiny/smart-raid.json": ((UNKNOWN,), "it says nothing of its health"),
    "smartctl_exporter/SEAGATE_ST373453LC_26.json": ((WARNING,), "grown defects 260"),
    "smartctl_exporter/HITACHI_H109060SESUN600G_10.json": ((OK,), "1 disk"),
    "smartctl_exporter/nvme-null-SAMSUNG_MZWLL3T2HAJQ-00005-nvme0.json": (
        (CRITICAL,),
        "failing: its backup of volatile memory failed",
    ),
    "qemu/iscsi_-d_megaraid,0_-j_-x_bus-0.rc4.json": ((OK,), "1 disk"),
    "qemu/iscsi_-d_megaraid,1_-j_-x_bus-0.rc68.json": ((WARNING,), "pending 24, reallocated 1864, uncorrectable 24"),
    "qemu/iscsi_-d_megaraid,2_-j_-x_bus-0.rc92.json": ((CRITICAL,), "failing: reallocated 65535"),
    "qemu/iscsi_-d_megaraid,3_-j_-x_bus-0.rc4.json": ((OK,), "1 disk"),
    "qemu/iscsi_-d_megaraid,4_-j_-x_bus-0.rc12.json": ((CRITICAL,), "failing: predicted by itself (asc 5d/10)"),
    "qemu/iscsi_-d_megaraid,5_-j_-x_bus-0.rc12.json": ((WARNING, CRITICAL), "71 C, says that it is too hot"),
    "qemu/iscsi_-d_megaraid,9_-j_-x_bus-0.rc2.json": ((UNKNOWN,), "smartctl 7.3: INQUIRY failed"),
    "qemu/builtin_-d_megaraid,8_-j_-x_bus-0.rc2.json": ((UNKNOWN,), "smartctl 7.3: INQUIRY failed"),
    "qemu/builtin_-d_megaraid,2_-j_-x_bus-0.rc2.json": ((UNKNOWN,), "smartctl 7.3: INQUIRY failed"),
    "qemu/iscsi_-d_megaraid,0_-j_-x_bus-1.rc2.json": ((UNKNOWN,), "smartctl 7.3: INQUIRY failed"),
    "qemu/builtin_-j_-x_sdc.rc4.json": ((OK,), "1 disk"),
    "qemu/builtin_-j_-x_nvme0.rc0.json": ((OK,), "1 disk"),
    "py-SMART/megaraid_ph_sas_hdd_0/_-d_megaraid,44_--all__dev_bus_7": ((OK,), "1 disk"),
    "py-SMART/megaraid_ph_sata_hdd_0/_-d_megaraid,16_--all__dev_bus_0": ((OK,), "1 disk"),
    "py-SMART/megaraid_ph_sata_hdd_1_issue_56/_-d_sat+megaraid,60_--all__dev_bus_0": ((OK,), "1 disk"),
    "py-SMART/megaraid_ph_sata_ssd_0/_-d_megaraid,28_--all__dev_bus_0": ((OK,), "1 disk"),
    "py-SMART/megaraid_vd_0/_-d_scsi_--all__dev_sda": ((UNKNOWN,), "no disk that offers SMART"),  # a virtual drive
    "qemu/iscsi_-d_megaraid,0_-x_bus-0.rc4.txt": ((OK,), "1 disk"),
    "qemu/iscsi_-d_megaraid,1_-x_bus-0.rc68.txt": ((WARNING,), "pending 24, reallocated 1864, uncorrectable 24"),
    "qemu/iscsi_-d_megaraid,2_-x_bus-0.rc92.txt": ((CRITICAL,), "failing: reallocated 65535"),
    "qemu/iscsi_-d_megaraid,3_-x_bus-0.rc4.txt": ((OK,), "1 disk"),
    "qemu/iscsi_-d_megaraid,4_-x_bus-0.rc12.txt": ((CRITICAL,), "failing: predicted by itself (asc 5d/10)"),
    "qemu/iscsi_-d_megaraid,5_-x_bus-0.rc12.txt": ((WARNING, CRITICAL), "71 C, says that it is too hot"),
}


@pytest.mark.parametrize("names", VERDICTS)
def test_verdict(names: str) -> None:
    states, words = VERDICTS[names]
    options = [option for name in names.split(" ") for option in ("--from-file", str(CORPUS / name))]
    done = check("megaraid", "--no-history", "-v", *options)
    assert (done.code in states, done.stderr) == (True, b""), done.text
    assert words in (done.output if states == (OK,) else done.text)


@pytest.mark.parametrize("name", ["github-docs/adpcount-0.txt", "canonical-phe/perccli_not_controller.json"])
def test_no_controller_may_be_fine(name: str) -> None:
    assert check("megaraid", "--absent-ok", "--no-history", "--from-file", str(CORPUS / name)).code == OK


def test_options_of_the_index() -> None:
    """Where more than one verdict is right, an option chooses."""

    def code(name: str, *options: str) -> int:
        return check("megaraid", "--no-history", "--from-file", str(CORPUS / "github-docs" / name), *options).code

    assert code("ldpdinfo-predictive-smart-alert.txt", "--predicted", "critical") == CRITICAL
    assert code("cfgdsply-reconstruction.txt", "--reconstruction", "warning") == WARNING
    assert code("bbu-nonoperational-charging.txt", "--learn-cycle", "warning") == WARNING


@pytest.mark.parametrize(("row", "left"), [(b"24:5 ", 5), (b"24:15 ", 15)])
def test_a_list_that_is_cut_is_missed(row: bytes, left: int, tmp_path: Path) -> None:
    content = (CORPUS / "storcli-check" / "single-controller.txt").read_bytes()
    file = tmp_path / "cut"
    file.write_bytes(content[: content.rindex(b"\n" + row)])
    done = check("megaraid", "--no-history", "--from-file", str(file))
    assert (done.code, done.text) == (UNKNOWN, f"MEGARAID UNKNOWN - c0 lists {left} of its 16 disks; {left} ok")
