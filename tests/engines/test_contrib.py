"""contrib/ is what the checks' options say, and each engine's own checker is content with it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.fake_cephfs import FakeCephfs
from lab.icinga import HOST, LIBRARY, Icinga, definitions, make_certificates, prepare
from lab.nagios import PREAMBLE, verify, write_settings
from lab.nrpe import Nrpe
from lab.scratch import USER, Scratch
from support import PROJECT, SCRIPTS, command, run

from checks import CHECKS, load
from checks.definitions import dashboards, documents
from checks.definitions.icinga import engine_options
from checks.frame.command import all_options
from perfdata.catalogue import CATALOGUE
from perfdata.prometheus import metric

CONTRIB = PROJECT / "contrib"
GENERIC_SERVICE = """\
define service {
  name                  generic-service
  register              0
  check_period          always
  notification_period   always
  notification_interval 0
  contacts              nobody
}
"""


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.remove()


@pytest.mark.parametrize("name", sorted(documents()))
def test_it_is_in_step_with_the_checks(name: str) -> None:
    written = (CONTRIB / name).read_text()
    assert written == documents()[name], "run: python3 -m checks.definitions contrib"


def test_nothing_is_left_of_checks_that_are_gone() -> None:
    made = {CONTRIB / name for name in documents()}
    found = {path for path in (CONTRIB / "sudoers.d").glob("undergoal-*") if "checks.definitions" in path.read_text()}
    assert found <= made


def test_the_generator_writes_them(tmp_path: Path) -> None:
    argv = [str(SCRIPTS / "python"), "-m", "checks.definitions", str(tmp_path)]
    assert run(argv)[:3] == (0, b"", b"")
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(documents())
    assert run(argv[:-1]).code == 1


@pytest.mark.parametrize("name", CHECKS)
def test_every_option_that_an_engine_needs_is_offered(name: str) -> None:
    plugin = load(name)
    offered = {option.setting for option in engine_options(plugin)}
    assert {f"{option.setting}" for option in all_options(plugin)} - offered <= {
        "help", "version", "verbose", "root", "accept", "state_user", "sudoers"
    }  # fmt: skip
    text = documents()["icinga2/undergoal-commands.conf"]
    for option in engine_options(plugin):
        assert f'"{option.flags[-1]}" = {{' in text
        assert f"$undergoal_{name}_{option.setting}$" in text


@pytest.mark.parametrize("name", CHECKS)
def test_engines_wait_longer_than_the_check(name: str) -> None:
    """So that what hangs is reported in the check's own words; by ssh there is a login before that."""
    own = load(name).timeout
    (login,) = map(float, re.findall(r"^ *ConnectTimeout (\d+)$", (CONTRIB / "ssh/config").read_text(), re.M))

    text = (CONTRIB / "icinga2/undergoal-commands.conf").read_text()
    kinds = rf'^object CheckCommand "undergoal_{name}(|_by_ssh|_as_root)" {{\n(.*?)^}}$'
    commands = dict(re.findall(kinds, text, re.M | re.S))
    limits = {kind: float(*re.findall(r"^\ttimeout = (\d+)s$", body, re.M)) for kind, body in commands.items()}
    by_ssh = float(*re.findall(r"^\tvars.by_ssh_timeout = (\d+)$", commands["_by_ssh"], re.M))
    assert len(limits) == 2 + bool(load(name).as_root)
    assert min(limits.values()) > own
    assert own + login < by_ssh < limits["_by_ssh"]

    text = (CONTRIB / "nagios/undergoal-commands.cfg").read_text()
    (longest,) = map(float, re.findall(r"service_check_timeout has to be longer than (\d+) \(it is 60", text))
    asking = rf"^  command_line .* -t (\d+) .*[ /](?:check_)?{name}\b"  # by ssh, by NRPE, and all at once
    found = [float(seconds) for seconds in re.findall(asking, text, re.M)]
    assert len(found) == 3
    assert own + login < min(found)
    assert max(found) <= longest < 60

    text = (CONTRIB / "nrpe/undergoal.cfg").read_text()
    (limit,) = map(float, re.findall(r"^command_timeout=(\d+)$", text, re.M))
    (patience,) = map(float, re.findall(rf"^# check_nrpe -t (\d+)\ncommand\[check_{name}\]=", text, re.M))
    assert own < patience < limit


@pytest.mark.needs("icinga2")
def test_icinga_likes_it(scratch: Scratch) -> None:
    hosts = "".join(
        f'object Host "h{number}" {{ check_command = "dummy", vars.undergoal = {json.dumps(list(CHECKS))}, {via} }}\n'
        for number, via in enumerate(
            ['vars.undergoal_via = "ssh"', 'vars.undergoal_via = "passive"', 'vars.a = "", address = "192.0.2.1"']
        )
    )
    includes = "".join(
        f'include "{CONTRIB}/icinga2/{name}.conf"\n' for name in ("undergoal-commands", "undergoal-services")
    )
    options = prepare(scratch, includes + hosts, library=True)
    make_certificates(scratch)
    ran = run(["icinga2", "daemon", "-C", *options])
    assert ran.code == 0, ran.output[-3000:]
    assert "warning/" not in ran.output
    assert f"Instantiated {3 * len(CHECKS)} Services" in ran.output
    as_root = sum(1 for name in CHECKS if load(name).as_root)
    commands = len(re.findall(r"^object CheckCommand", (CONTRIB / "icinga2/undergoal-commands.conf").read_text(), re.M))
    assert commands == 2 * len(CHECKS) + as_root


@pytest.mark.needs("icinga2")
def test_icinga_likes_the_zones(scratch: Scratch) -> None:
    """Laid out as the comments in them say."""
    prepare(scratch, "", library=True)
    zones = 'const NodeName = "master.example"\nconst ZoneName = "master"\n' + LIBRARY
    settings = scratch.file("etc/master.conf", zones + (CONTRIB / "icinga2/zones.conf.example").read_text())
    for place, name in (
        ("global-templates", "undergoal-commands.conf"),
        ("global-templates", "undergoal-services.conf"),
        ("site-a", "hosts.conf.example"),
    ):
        directory = scratch.path / "etc/zones.d" / place
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name.removesuffix(".example")).write_text((CONTRIB / "icinga2" / name).read_text())
    ran = run(["icinga2", "daemon", "-C", "-c", str(settings), *definitions(scratch.path, USER)])
    assert ran.code == 0, ran.output[-3000:]
    assert "Instantiated 4 Services" in ran.output


@pytest.mark.needs("icinga2")
def test_icinga_runs_the_commands() -> None:
    """Each with an option that is a switch; what the check then says shows that it was understood."""
    commands = (CONTRIB / "icinga2/undergoal-commands.conf").read_text()
    switches = "".join(
        f"vars.undergoal_{name}_absent_ok = true\nvars.undergoal_{name}_no_history = true\n" for name in CHECKS
    )
    services = "".join(
        f'object Service "{name}" {{\n host_name = "{HOST}"\n check_command = "undergoal_{name}"\n{switches}'
        " max_check_attempts = 1\n check_interval = 1d\n enable_active_checks = false\n}\n"
        for name in CHECKS
    )
    with Icinga({}, more=f'const UndergoalDir = "{SCRIPTS}"\n{commands}\n{services}', library=True) as icinga:
        seen = icinga.check_all(list(CHECKS), 60)
    for name, found in seen.items():
        assert found["output"].startswith(f"{name.upper()} "), found
        assert "option" not in found["output"], found
        arguments = found["command"][1:]
        assert {"--absent-ok", "--no-history"} <= set(arguments)
    assert seen["docker_bridge"]["output"] == "DOCKER_BRIDGE OK - no Linux bridge on this host"


@pytest.mark.needs("nagios4")
def test_nagios_likes_it(scratch: Scratch) -> None:
    objects = PREAMBLE + GENERIC_SERVICE
    for name in CHECKS:
        objects += f"define host {{\n  host_name on-{name}\n  address 192.0.2.1\n  hostgroups undergoal-{name}\n"
        objects += "  contacts nobody\n  max_check_attempts 1\n  check_period always\n  notification_period always\n}\n"
    objects += "define host {\n  host_name passive\n  address 192.0.2.1\n  hostgroups undergoal-passive\n"
    objects += "  contacts nobody\n  max_check_attempts 1\n  check_period always\n  notification_period always\n}\n"
    for name in ("commands", "services"):
        objects += (CONTRIB / f"nagios/undergoal-{name}.cfg").read_text()
    # the host of the preamble has no services here, which is a warning of its own
    objects += f"define service {{\n use generic-service\n host_name {HOST}\n service_description x\n"
    objects += " check_command nothing\n max_check_attempts 1\n}\n"
    said = verify(write_settings(scratch, objects))
    assert f"Checked {2 * len(CHECKS) + 2} services." in said


@pytest.mark.needs("nrpe", "setpriv")
def test_nrpe_runs_the_commands() -> None:
    snippet = (CONTRIB / "nrpe/undergoal.cfg").read_text().replace("/usr/lib/nagios/plugins", str(SCRIPTS))
    with Nrpe({}, snippet) as nrpe:
        for name in CHECKS:
            assert nrpe.ask(f"check_{name}").output.startswith(f"{name.upper()} "), name


@pytest.mark.needs("nrpe", "setpriv", "unshare", "nsenter", "umount")
def test_what_hangs_is_told_by_the_check(scratch: Scratch) -> None:
    """With every limit as it is shipped: the check's, that of NRPE's daemon, and what Nagios gives check_nrpe."""
    snippet = (CONTRIB / "nrpe/undergoal.cfg").read_text().replace("/usr/lib/nagios/plugins", str(SCRIPTS))
    commands = (CONTRIB / "nagios/undergoal-commands.cfg").read_text()
    (patience,) = re.findall(r"/check_nrpe .* -t (\d+) -c check_cephfs$", commands, re.M)
    with Nrpe({}, snippet) as nrpe, FakeCephfs(scratch.path / "mount", namespace=nrpe.namespace) as cephfs:
        cephfs.stop()
        ran = nrpe.ask("check_cephfs", int(patience))
    assert (ran.code, ran.text) == (3, f"CEPHFS UNKNOWN - {cephfs.place} did not answer in time")


@pytest.mark.needs("visudo")
def test_sudo_likes_the_rules(tmp_path: Path) -> None:
    names = [name for name in documents() if name.startswith("sudoers.d/")]
    assert len(names) == sum(1 for name in CHECKS if load(name).as_root) > 0
    for name in names:
        copy = tmp_path / "rule"
        shutil.copy(CONTRIB / name, copy)
        copy.chmod(0o440)
        assert run(["visudo", "-cf", str(copy)]).code == 0


@pytest.mark.needs("promtool")
def test_prometheus_likes_the_alerts(tmp_path: Path) -> None:
    rules = CONTRIB / "prometheus/undergoal.rules.yml"
    ran = run(["promtool", "check", "rules", str(rules)])
    assert (ran.code, f"{2 * len(CHECKS) + 2} rules found" in ran.output) == (0, True), ran.output
    name = CHECKS[0]
    camel = "".join(word.capitalize() for word in name.split("_"))
    document = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": f'undergoal_check_state{{check="{name}",instance="a"}}', "values": "0x5 2x20"},
                    {"series": 'undergoal_last_run_seconds{instance="a"}', "values": "0x40"},
                ],
                "alert_rule_test": [
                    _expected(f"Undergoal{camel}Critical", "5m", 0, name),
                    _expected(f"Undergoal{camel}Critical", "9m", 1, name),
                    _expected(f"Undergoal{camel}Warning", "20m", 0, name),
                ],
            }
        ],
    }
    (tmp_path / "test.json").write_text(json.dumps(document))  # JSON is YAML
    ran = run(["promtool", "test", "rules", str(tmp_path / "test.json")])
    assert ran.code == 0, ran.output + ran.stderr.decode()


def _expected(alert: str, at: str, count: int, name: str) -> dict[str, Any]:
    labels = {"severity": alert[-8:].lower(), "check": name, "instance": "a"}
    summary = f"a: {name}  is CRITICAL: {load(name).question} Run check_{name} -v there."
    alerts = [{"exp_labels": labels, "exp_annotations": {"summary": summary}}] * count
    return {"eval_time": at, "alertname": alert, "exp_alerts": alerts}


@pytest.mark.needs("promtool")
def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    dashboard = json.loads((CONTRIB / "grafana/undergoal.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    plugins = [load(name) for name in CHECKS]
    assert shown[1:] == [one for found in dashboards.expressions(plugins).values() for one in found]
    known = {metric(measure) for measure in CATALOGUE}
    assert {name for expression in shown[1:] for name in re.findall(r"(undergoal_\w+)\{", expression)} <= known
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(shown)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    ran = run(["promtool", "check", "rules", str(tmp_path / "rules.json")])
    assert ran.code == 0, ran.output
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in dashboard["panels"]}
    assert len(places) == len(dashboard["panels"])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Grafana's library needs Python 3.11")
def test_grafana_knows_every_word_of_the_dashboard() -> None:
    """Read into Grafana's own model and written again it is the same; what Grafana does not know would be gone."""
    dashboard = json.loads((CONTRIB / "grafana/undergoal.json").read_text())
    assert _through_grafana(dashboard) == dashboard
    misspelt = {**dashboard, "refersh": "1m"}
    assert _through_grafana(misspelt) == dashboard


def _through_grafana(dashboard: dict[str, Any]) -> dict[str, Any]:
    """Without what Grafana adds."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    written = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))
    known: dict[str, Any] = _common(dashboard, written)
    return known


def _common(ours: Any, theirs: Any) -> Any:
    """Theirs, as far as ours goes."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {key: _common(value, theirs[key]) for key, value in ours.items() if key in theirs}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [_common(one, other) for one, other in zip(ours, theirs)]
    return theirs


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("name", ["undergoal-prometheus", "undergoal-submit"])
def test_systemd_likes_the_units(name: str, tmp_path: Path) -> None:
    for kind in ("service", "timer"):
        text = (CONTRIB / f"systemd/{name}.{kind}").read_text()
        (tmp_path / f"{name}.{kind}").write_text(text.replace("/opt/undergoal/bin", str(SCRIPTS)))
        ran = run(["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / f"{name}.{kind}")])
        assert (ran.code, ran.output, ran.stderr) == (0, "", b""), ran
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE) or re.findall(
        r"^ExecStart=(.*)$", (CONTRIB / f"systemd/{name}.service").read_text(), re.MULTILINE
    )
    words = shlex.split(line)
    assert words[0] == "/opt/undergoal/bin/undergoal"
    listed = run([*command("undergoal"), words[1], "--help"]).output
    assert all(word in listed for word in words if word.startswith("--"))


@pytest.mark.needs("sshd", "ssh", "ssh-keygen")
def test_ssh_likes_the_settings(tmp_path: Path) -> None:
    ran = run(["ssh", "-T", "-G", "-F", str(CONTRIB / "ssh/config"), "node1.example"])
    assert (ran.code, ran.stderr) == (0, b"")
    assert {"kexalgorithms curve25519-sha256", "controlmaster auto", "batchmode yes"} <= set(ran.output.splitlines())
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")])
    (tmp_path / "config").write_text(f"HostKey {tmp_path}/key\n{(CONTRIB / 'ssh/sshd_config').read_text()}")
    ran = run(["unshare", "--mount", "sh", "-c", 'mkdir -p /run/sshd && exec /usr/sbin/sshd -t -f "$1"', "sh",
               str(tmp_path / "config")])  # fmt: skip
    assert (ran.code, ran.stderr) == (0, b"")


@pytest.mark.needs("nodeset")
def test_clustershell_likes_the_groups(tmp_path: Path) -> None:
    (tmp_path / "groups.conf").write_text(f"[Main]\ndefault: undergoal\nautodir: {CONTRIB}/fleet\n")
    for group, count in (("docker", "200"), ("cephfs", "351"), ("moosefs", "8")):
        ran = run(["nodeset", "--groupsconf", str(tmp_path / "groups.conf"), "-c", f"@undergoal:{group}"])
        assert (ran.code, ran.output, ran.stderr) == (0, f"{count}\n", b"")
    text = (CONTRIB / "fleet/README.md").read_text()
    for line in re.findall(r"^    clush (.*)$", text, re.MULTILINE):
        words = shlex.split(line.partition(" | ")[0])
        nodes = subprocess.run(["nodeset", "-c", words[words.index("-w") + 1]], capture_output=True, check=True)
        assert nodes.stdout == b"500\n"
        assert run(["clush", *words[: words.index("-w")], "--help"]).code == 0
