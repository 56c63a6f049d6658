"""Sentences: this host, its connections, a pipe or a path, with all that was found of it."""

from __future__ import annotations

from checks.frame.plugin import Judged
from checks.frame.readings import Fact, Measure
from checks.tcp_window import assess
from perfdata.numbers import duration, plain_number, size
from perfdata.outcome import BY_SEVERITY, OK


def sentence(title: str, judged: list[Judged]) -> str:
    """ "path to 192.0.2.10:80 zeroes our window scale: peer sees 501 bytes, not 64128; 1.7 kB/s"."""
    values = {j.finding.name: j for j in judged if isinstance(j.finding, Measure)}
    words = []
    if "wscale" in values:
        words.append(_host_words(values))
    if "remote_connections" in values:
        words.append(_connection_words(values))
    if "pipe_percent" in values:
        words.append(f"{plain_number(round(values['pipe_percent'].finding.value, 1))}% usable")  # type: ignore[union-attr]
    for j in sorted(judged, key=lambda j: (not isinstance(j.finding, Fact), BY_SEVERITY.index(j.state))):
        if isinstance(j.finding, Fact):
            words.append(j.words)
        elif j.state != OK:
            words.append(_problem_words(j.finding))
    words = [word for word in words if word]
    return f"{title} {', '.join(words)}" if words else f"{title} fine"


def _host_words(values: dict[str, Judged]) -> str:
    scale = f"scale {values['wscale'].finding.value}"  # type: ignore[union-attr]
    if "receive_window_bytes" not in values:
        return scale
    return f"{scale}, windows up to {size(values['receive_window_bytes'].finding.value)}"  # type: ignore[union-attr]


def _connection_words(values: dict[str, Judged]) -> str:
    numbers = {name: j.finding.value for name, j in values.items() if isinstance(j.finding, Measure)}
    if numbers["stuck"]:
        return f"{numbers['stuck']} stuck on a misread window"
    if not numbers["remote_connections"]:
        return "none to elsewhere"
    unscaled = numbers["unscaled_percent"]
    return f"{plain_number(round(unscaled, 1))}% unscaled" if unscaled else "all scaled"


def _problem_words(measure: Measure) -> str:
    """What is wrong when this measure is not OK; "" where the item's first words say it already."""
    if measure.name in ("rwnd_limited_percent", "sndbuf_limited_percent"):
        whose = "peers' windows" if measure.name.startswith("rwnd") else "own send buffers"
        return f"{plain_number(round(measure.value, 1))}% limited by {whose}"
    if measure.name in ("download_bytes_per_second", "upload_bytes_per_second"):
        return f"{measure.name.partition('_')[0]} at {assess.pace(measure.value)}"
    if measure.name == "rtt_seconds":
        return f"round trip {measure.value * 1000:.1f} ms"
    if measure.name == "dead_peer_seconds":
        return f"a dead peer blocks for {duration(measure.value)}"
    return ""
