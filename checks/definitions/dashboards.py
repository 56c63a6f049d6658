"""A Grafana dashboard and Prometheus alert rules, from the catalogue and the checks' levels."""

from __future__ import annotations

import json

from checks.frame.plugin import Plugin
from perfdata.catalogue import CATALOGUE, COUNTER
from perfdata.prometheus import LAST_RUN, STATE, metric

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UNITS = {
    "": "none",
    "s": "s",
    "B": "bytes",
    "%": "percent",
    "B/h": "bytes",
    "B/d": "bytes",
    "bit/s": "Bps",
}  # in Grafana's names
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 12, 8  # of 24 columns
_COLOURS = (("OK", "green"), ("WARNING", "yellow"), ("CRITICAL", "red"), ("UNKNOWN", "purple"))


def expressions(plugins: list[Plugin]) -> dict[str, list[str]]:
    """Check -> what its panels show."""
    return {plugin.name: [_expression(plugin, measure) for measure in plugin.levels] for plugin in plugins}


def _expression(plugin: Plugin, measure: str) -> str:
    series = f'{metric(measure)}{{check="{plugin.name}",instance=~"$instance"}}'
    return f"increase({series}[1h])" if CATALOGUE[measure].kind == COUNTER else series


def _steps(plugin: Plugin, measure: str) -> list[dict[str, Any]]:
    """Where the default thresholds are, if they are simple upper bounds."""
    levels = plugin.levels[measure]
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    for text, colour in ((levels.warning, "yellow"), (levels.critical, "red")):
        if text.isdigit():
            steps.append({"color": colour, "value": int(text)})
    return steps


def _panel(number: int, title: str, expression: str, place: tuple[int, int], **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": _SOURCE,
        "gridPos": {"x": place[0], "y": place[1], "w": _WIDTH, "h": _HEIGHT},
        "targets": [{"refId": "A", "expr": expression, "legendFormat": "{{instance}} {{service}} {{item}}"}],
        **more,
    }


def grafana(plugins: list[Plugin]) -> str:
    """A dashboard: the verdicts, then a row of panels for each check."""
    mapping = {str(state): {"text": word, "color": colour} for state, (word, colour) in enumerate(_COLOURS)}
    steps = [{"color": colour, "value": state or None} for state, (_, colour) in enumerate(_COLOURS)]
    verdicts = {
        "type": "state-timeline",
        "fieldConfig": {
            "defaults": {
                "mappings": [{"type": "value", "options": mapping}],
                "color": {"mode": "thresholds"},
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "gridPos": {"x": 0, "y": 0, "w": 24, "h": _HEIGHT},
    }
    first = _panel(1, "Verdicts", f'{STATE}{{instance=~"$instance"}}', (0, 0), **verdicts)
    first["targets"][0]["legendFormat"] = "{{instance}} {{check}} {{service}}"
    panels, number, top = [first], 2, _HEIGHT
    for plugin in plugins:
        row = {"x": 0, "y": top, "w": 24, "h": 1}
        panels.append({"id": number, "type": "row", "title": f"{plugin.name}: {plugin.question}", "gridPos": row})
        number, top = number + 1, top + 1
        for place, measure in enumerate(plugin.levels):
            kind = CATALOGUE[measure]
            fields = {
                "unit": _UNITS.get(kind.unit, "none"),
                "thresholds": {"mode": "absolute", "steps": _steps(plugin, measure)},
                "custom": {"thresholdsStyle": {"mode": "line" if len(_steps(plugin, measure)) > 1 else "off"}},
            }
            where = (place % 2 * _WIDTH, top + place // 2 * _HEIGHT)
            panel = _panel(number, kind.title, _expression(plugin, measure), where)
            panel.update(description=kind.help, fieldConfig={"defaults": fields, "overrides": []})
            panels.append(panel)
            number += 1
        top += (len(plugin.levels) + 1) // 2 * _HEIGHT
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    instance = {
        "name": "instance", "type": "query", "label": "Host", "datasource": _SOURCE, "includeAll": True, "multi": True,
        "query": f"label_values({STATE}, instance)", "refresh": 2, "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip
    dashboard = {
        "uid": "undergoal", "title": "undergoal", "tags": ["undergoal"], "schemaVersion": 37, "version": 1,
        "editable": True, "refresh": "1m", "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [source, instance]}, "panels": panels,
    }  # fmt: skip
    return json.dumps(dashboard, indent=1) + "\n"


def _rule(name: str, expression: str, lasting: str, severity: str, summary: str) -> str:
    return (
        f"      - alert: {name}\n        expr: {json.dumps(expression)}\n        for: {lasting}\n"
        f"        labels:\n          severity: {severity}\n"
        f"        annotations:\n          summary: {json.dumps(summary)}\n"
    )


def alerts(plugins: list[Plugin], head: str) -> str:
    """Alert rules: the verdicts of the checks, which have judged already, and metrics that are out of date."""
    text = f"# {head}\ngroups:\n  - name: undergoal\n    rules:\n"
    where = "{{ $labels.instance }}: {{ $labels.check }} {{ $labels.service }}"
    for plugin in plugins:
        camel = "".join(word.capitalize() for word in plugin.name.split("_"))
        for state, lasting, severity in ((2, "2m", "critical"), (1, "10m", "warning")):
            text += _rule(
                f"Undergoal{camel}{severity.capitalize()}",
                f'{STATE}{{check="{plugin.name}"}} == {state}',
                lasting,
                severity,
                f"{where} is {severity.upper()}: {plugin.question} Run check_{plugin.name} -v there.",
            )
    text += _rule(
        "UndergoalUnknown",
        f"{STATE} == 3",
        "15m",
        "warning",
        f"{where} cannot tell: run check_{{{{ $labels.check }}}} -v there.",
    )
    text += _rule(
        "UndergoalStale",
        f"time() - {LAST_RUN} > 600",
        "1m",
        "warning",
        "{{ $labels.instance }}: no check was run for 10 minutes; is undergoal-prometheus.timer active?",
    )
    return text
