"""Nagios, NRPE and sudo: commands, services and rules."""

from __future__ import annotations

from checks.definitions.icinga import ENGINE_EXTRA
from checks.frame.grants import sudoers_line
from checks.frame.plugin import Plugin

PLUGINS = "/usr/lib/nagios/plugins"
USER = "nagios"


def _command(name: str, line: str) -> str:
    return f"define command {{\n  command_name  {name}\n  command_line  {line}\n}}\n"


def _commands(plugin: Plugin) -> str:
    name, limit = plugin.name, f"{plugin.timeout + ENGINE_EXTRA:g}"
    local = f"$USER1$/check_{name} $ARG1$"
    by_ssh = f'$USER1$/check_by_ssh -H $HOSTADDRESS$ -q -t {limit} -C "{PLUGINS}/check_{name} $ARG1$"'
    by_nrpe = f"$USER1$/check_nrpe -H $HOSTADDRESS$ -t {limit} -c check_{name}"
    text = f"# {plugin.question}\n" + _command(f"check_{name}", local)
    text += _command(f"check_{name}_by_ssh", by_ssh) + _command(f"check_{name}_by_nrpe", by_nrpe)
    if plugin.as_root:
        text += f"# as root for {plugin.as_root}; needs sudoers.d/undergoal-{name}\n"
        text += _command(f"check_{name}_as_root", f"/usr/bin/sudo -n {PLUGINS}/check_{name}")
    return text


def commands(plugins: list[Plugin], head: str) -> str:
    """undergoal-commands.cfg"""
    names = [plugin.name for plugin in plugins]
    limit = max(plugin.timeout for plugin in plugins) + 2 * ENGINE_EXTRA
    more = " ".join(["-C :"] * (len(names) - 1))
    at_once = (
        f"$USER1$/check_by_ssh -H $HOSTADDRESS$ -q -t {limit:g} -n $HOSTNAME$ -s {':'.join(names)}"
        f' -O $COMMANDFILE$ -C "undergoal passive {" ".join(names)} #" {more}'
    )
    return (
        f"# {head}\n"
        "# $ARG1$ are options, see check_NAME --help. Each -t in here is longer than the check's own --timeout, so\n"
        "# that it is the check that says what hangs. With a longer one in $ARG1$, set -t to"
        f" {ENGINE_EXTRA} s more than that.\n"
        f"# service_check_timeout has to be longer than {limit:g} (it is 60 unless set).\n\n"
        + "\n".join(_commands(plugin) for plugin in plugins)
        + "\n# One login for all results: an active service that hands them to the passive ones of the same names.\n"
        "# For other checks, or options of theirs, change both lists; there are as many -C as names.\n"
        + _command("undergoal_passive_by_ssh", at_once)
    )


def services(plugins: list[Plugin], head: str) -> str:
    """undergoal-services.cfg"""
    text = f"""\
# {head}
# Take what fits: a service per check of the hosts in a host group, or passive ones.

define service {{
  name                  undergoal
  register              0
  use                   generic-service
  max_check_attempts    3
  check_interval        1
  retry_interval        1
}}

# A result that does not come is UNKNOWN: the command runs only when nothing came for so long.
define service {{
  name                    undergoal-passive
  register                0
  use                     generic-service
  max_check_attempts      1
  active_checks_enabled   0
  passive_checks_enabled  1
  check_freshness         1
  freshness_threshold     300
  check_command           undergoal_no_result
}}
"""
    text += _command("undergoal_no_result", "/bin/sh -c 'echo UNKNOWN - no result came for 5 minutes\\; exit 3'")
    for plugin in plugins:
        text += (
            f"\ndefine hostgroup {{\n  hostgroup_name  undergoal-{plugin.name}\n}}\n"
            "define service {\n  use                   undergoal\n"
            f"  hostgroup_name        undergoal-{plugin.name}\n"
            f"  service_description   {plugin.name}\n"
            f"  check_command         check_{plugin.name}_by_ssh\n}}\n"
        )
    text += "\ndefine hostgroup {\n  hostgroup_name  undergoal-passive\n}\n"
    text += (
        "define service {\n  use                   undergoal\n  hostgroup_name        undergoal-passive\n"
        "  service_description   undergoal\n  check_command         undergoal_passive_by_ssh\n}\n"
    )
    for plugin in plugins:
        text += (
            "define service {\n  use                   undergoal-passive\n  hostgroup_name        undergoal-passive\n"
            f"  service_description   {plugin.name}\n}}\n"
        )
    return text


def nrpe(plugins: list[Plugin], head: str) -> str:
    """undergoal.cfg for /etc/nagios/nrpe.d"""
    limit = max(plugin.timeout for plugin in plugins) + ENGINE_EXTRA
    text = f"# {head}\n# Put it into /etc/nagios/nrpe.d. Options stand here, so that dont_blame_nrpe stays 0.\n"
    text += "# Whoever asks has to wait longer than the check does, so that it is the check that says what hangs.\n"
    text += f"command_timeout={max(60, limit):g}\n"
    for plugin in plugins:
        text += f"# check_nrpe -t {plugin.timeout + ENGINE_EXTRA:g}\n"
        text += f"command[check_{plugin.name}]={PLUGINS}/check_{plugin.name}\n"
        if plugin.as_root:
            text += f"# as root for {plugin.as_root}; needs sudoers.d/undergoal-{plugin.name}\n"
            text += f"#command[check_{plugin.name}]=/usr/bin/sudo -n {PLUGINS}/check_{plugin.name}\n"
    return text


def sudoers(plugin: Plugin, head: str) -> str:
    """A rule for the check as it is, without any option."""
    return (
        f"# {head}\n"
        f"# For {plugin.as_root}.\n"
        "# Put it into /etc/sudoers.d with mode 0440, after visudo -cf. It allows the check without any option.\n"
        f"{sudoers_line(USER, f'{PLUGINS}/check_{plugin.name}', [])}\n"
    )
