"""Every measure of every check, once: its name, unit, title, help and kind.

Renderers, --help, graphs and rulesets are made from this table. Names are snake_case in base units, with the unit as
their ending where there is one. Rates that people set thresholds for are per hour and say so in their name: a bare
``--growth-per-hour-warning 50`` must not mean 50 a second.
"""

from __future__ import annotations

from perfdata.record import Record

GAUGE, COUNTER = "gauge", "counter"


class Kind(Record):
    """What one measure means, wherever it is shown."""

    name: str
    unit: str  # "" for a number of things, else "s", "B", "%" or "1/h"
    title: str  # for graphs
    help: str  # one sentence
    kind: str = GAUGE


_KINDS = (
    Kind("ports", "", "Bridge ports", "Ports attached to a Linux bridge, which takes 1023 at most."),
    Kind("growth_per_hour", "1/h", "Growth", "Ports gained per hour at the present rate; negative when shrinking."),
    Kind("until_full_seconds", "s", "Time until full", "Time until the limit is reached at the present rate."),
    Kind("until_full_lower_seconds", "s", "Time until full, lower bound", "The earliest time at which it may be full."),
    Kind("until_full_upper_seconds", "s", "Time until full, upper bound", "The latest time at which it may be full."),
    Kind("endpoints", "", "Docker endpoints", "Endpoints that Docker has on the network of a bridge."),
    Kind("leaked_ports", "", "Leaked ports", "Ports of a Docker bridge that belong to no endpoint for two minutes."),
    Kind("addresses_left", "", "Addresses left", "Addresses that Docker can still give out in the smallest subnet."),
    Kind("addresses_used_percent", "%", "Addresses used", "Share of a subnet's addresses that is given out."),
    Kind("address_pools_free", "", "Free address pools", "Networks that Docker can still create without a subnet."),
    Kind(
        "arp_table_fulls_total",
        "",
        "ARP table overflows",
        "Times the kernel's ARP table was full, since boot.",
        COUNTER,
    ),
    Kind("rbytes", "B", "Size", "Bytes in all files below a directory, as CephFS counts them."),
    Kind("rfiles", "", "Files", "Files below a directory."),
    Kind("rsubdirs", "", "Directories", "Directories below a directory."),
    Kind("rentries", "", "Entries", "Files and directories below a directory."),
    Kind("quota_used_percent", "%", "Quota used", "Share of a directory's quota of bytes that is used."),
    Kind("quota_files_used_percent", "%", "Quota of files used", "Share of a directory's quota of files that is used."),
    Kind(
        "growth_bytes_per_hour", "B/h", "Growth", "Bytes gained per hour at the present rate; negative when shrinking."
    ),
    Kind("growth_bytes_per_day", "B/d", "Growth per day", "Bytes gained per day, over the last three days."),
    Kind("rctime_age_seconds", "s", "Age of the last change", "Time since anything below a directory was changed."),
    Kind("chunks", "", "Chunks", "Chunks of a MooseFS that belong to files."),
    Kind("missing", "", "Missing chunks", "Chunks without any copy."),
    Kind("endangered", "", "Endangered chunks", "Chunks with one copy that should have more."),
    Kind("undergoal", "", "Undergoal chunks", "Other chunks with fewer copies than their goal on disks that stay."),
    Kind("work_left", "", "Work left", "Copies to make until every chunk has its goal without the marked disks."),
    Kind("held_by_marked", "", "Held by marked disks", "Copies to make before the marked disks can go."),
    Kind("resync_per_hour", "1/h", "Resync rate", "Copies made per hour at the present rate."),
    Kind("until_done_seconds", "s", "Time until done", "Time until the work is done at the present rate."),
    Kind("until_done_lower_seconds", "s", "Time until done, lower bound", "The earliest time at which it may be done."),
    Kind("until_done_upper_seconds", "s", "Time until done, upper bound", "The latest time at which it may be done."),
    Kind("until_removable_seconds", "s", "Time until removable", "Time until the master says that a disk may go."),
    Kind("until_removable_lower_seconds", "s", "Time until removable, lower bound", "The earliest time for that."),
    Kind("until_removable_upper_seconds", "s", "Time until removable, upper bound", "The latest time for that."),
    Kind("servers", "", "Chunkservers", "Chunkservers that are connected to the master."),
    Kind("metaloggers", "", "Metaloggers", "Metaloggers that are connected to the master."),
    Kind("metadata_age_seconds", "s", "Metadata age", "Time since the master saved its metadata."),
    Kind("space_used_percent", "%", "Space used", "Share of the space of a file system that is used."),
    Kind("space_left_bytes", "B", "Space left", "Space that is left on a file system."),
    Kind("missing_files", "", "Files with missing chunks", "Files that lacked chunks in the master's last file loop."),
    Kind("damaged_disks", "", "Damaged disks", "Disks that a chunkserver has stopped using."),
    Kind("links_up", "", "Links up", "Links of a bond that can carry."),
    Kind("links", "", "Links", "Links of a bond."),
    Kind("speed_bits", "bit/s", "Speed", "What the links of a bond that carry can carry together."),
    Kind("carrier_changes_per_hour", "1/h", "Carrier changes", "Carrier lost or found in an hour, of the worst link."),
    Kind("link_failures_per_hour", "1/h", "Link failures", "Failures that a bond saw in an hour, of the worst link."),
    Kind("disk_errors_total", "", "Disk errors", "Errors on the disks of a chunkserver since it started.", COUNTER),
    Kind("disks", "", "Disks", "Disks that are there and neither failed nor missing."),
    Kind("virtual_drives", "", "Virtual drives", "Virtual drives of RAID controllers."),
    Kind("spares", "", "Hot spares", "Disks that stand by to replace a failed one."),
    Kind("disk_celsius", "", "Disk temperature", "Degrees Celsius of a disk."),
    Kind("roc_celsius", "", "Controller chip temperature", "Degrees Celsius of a RAID controller's chip."),
    Kind("board_celsius", "", "Controller board temperature", "Degrees Celsius of a RAID controller's board."),
    Kind("battery_celsius", "", "Battery temperature", "Degrees Celsius of a RAID controller's battery."),
    Kind(
        "media_errors_total", "", "Media errors", "Errors of a disk's medium, as its controller counts them.", COUNTER
    ),
    Kind("pending_sectors", "", "Pending sectors", "Sectors that could not be read and wait to be written."),
    Kind("reallocated_sectors", "", "Reallocated sectors", "Sectors that a disk has replaced by spare ones."),
    Kind("uncorrectable_sectors", "", "Uncorrectable sectors", "Sectors that a disk's own scan could not read."),
    Kind("grown_defects", "", "Grown defects", "Defects that a SAS disk has found since it was made."),
    Kind("uncorrected_errors_total", "", "Uncorrected errors", "Errors that a SAS disk could not correct.", COUNTER),
    Kind(
        "integrity_errors_total",
        "",
        "Integrity errors",
        "Data that an NVMe disk could not give back as it was written.",
        COUNTER,
    ),
    Kind("crc_errors_total", "", "CRC errors", "Transfers that arrived broken: cables and backplanes.", COUNTER),
    Kind("endurance_used_percent", "%", "Endurance used", "Share of the writes that flash was made for."),
    Kind("power_on_seconds", "s", "Power-on time", "Time a disk was powered on, ever."),
    Kind("selftest_age_seconds", "s", "Self-test age", "Power-on time since a disk's last self-test ended."),
    Kind("progress_left_percent", "%", "Work left", "Share of a rebuild or check that is still to be done."),
    Kind("wscale", "", "Window scale", "The TCP window scale that this host announces."),
    Kind("receive_window_bytes", "B", "Receive window", "The largest TCP window that this host offers."),
    Kind("send_window_bytes", "B", "Send window", "What one connection of this host can have in flight."),
    Kind("dead_peer_seconds", "s", "Time a dead peer blocks", "Time until TCP gives up a peer that does not answer."),
    Kind("clamped_routes", "", "Routes that clamp TCP", "Routes with a window, initcwnd or initrwnd of their own."),
    Kind("pipe_percent", "%", "Usable bandwidth", "Share of a path's bandwidth that the buffers allow."),
    Kind("expected_bytes_per_second", "B/s", "Expected throughput", "What one connection can reach on a path."),
    Kind("remote_connections", "", "Connections", "TCP connections to other hosts."),
    Kind("stuck", "", "Stuck connections", "Connections that creep through a window whose scale was lost."),
    Kind("unscaled_percent", "%", "Unscaled connections", "Share of connections without window scaling."),
    Kind("rwnd_limited_percent", "%", "Limited by windows", "Share of senders that waited for the peer's window."),
    Kind("sndbuf_limited_percent", "%", "Limited by buffers", "Share of senders that waited for their own buffer."),
    Kind("download_bytes_per_second", "B/s", "Download", "Pace of a short download."),
    Kind("upload_bytes_per_second", "B/s", "Upload", "Pace of a short upload."),
    Kind("rtt_seconds", "s", "Round trip time", "Round trip time of a handshake."),
)

CATALOGUE: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
