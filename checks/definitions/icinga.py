"""Icinga 2: a CheckCommand per check, locally, by ssh and as root, and rules that apply them."""

from __future__ import annotations

from checks.frame.command import all_options
from checks.frame.options import Option
from checks.frame.plugin import Plugin

# What a scheduler has no use for: for people, for tests, or for once.
_NOT_FOR_ENGINES = ("help", "version", "verbose", "root", "accept", "state_user")
ENGINE_EXTRA = 5  # seconds that an engine waits beyond a check's own limit, which is then the first to be reached


def engine_options(plugin: Plugin) -> list[Option]:
    """The options that definitions offer; those that print something else than a result are for people."""
    return [
        option
        for option in all_options(plugin)
        if option.setting not in _NOT_FOR_ENGINES and "exit with 3" not in option.help
    ]


def quoted(text: str) -> str:
    """A string of Icinga's language, in which dollar signs are doubled."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'


def _argument(plugin: Plugin, option: Option) -> str:
    macro = f"$undergoal_{plugin.name}_{option.setting}$"
    words = [f"description = {quoted(option.help)}"]
    if not option.metavar:
        words.insert(0, f'set_if = "{macro}"')
    else:
        words.insert(0, f'value = "{macro}"')
        if option.repeat:
            words.append("repeat_key = true")
    lines = "".join(f"\t\t{word}\n" for word in words)
    return f'\t"{option.flags[-1]}" = {{\n{lines}\t}}\n'


def _command(plugin: Plugin) -> str:
    name, limit = plugin.name, plugin.timeout + ENGINE_EXTRA
    arguments = "".join(_argument(plugin, option) for option in engine_options(plugin))
    text = (
        f"/* {plugin.question} */\n"
        f"const UndergoalArguments_{name} = {{\n{arguments}}}\n\n"
        f'object CheckCommand "undergoal_{name}" {{\n'
        f'\tcommand = [ UndergoalDir + "/check_{name}" ]\n'
        f"\ttimeout = {limit:g}s\n"
        f"\targuments = UndergoalArguments_{name}\n"
        "}\n\n"
        f'object CheckCommand "undergoal_{name}_by_ssh" {{\n'
        '\timport "by_ssh"\n'
        f"\ttimeout = {limit + ENGINE_EXTRA:g}s\n"
        f'\tvars.by_ssh_command = [ UndergoalDir + "/check_{name}" ]\n'
        f"\tvars.by_ssh_arguments = UndergoalArguments_{name}\n"
        f"\tvars.by_ssh_timeout = {limit:g}\n"
        "\tvars.by_ssh_quiet = true\n"
        "}\n"
    )
    if plugin.as_root:
        text += (
            f"\n/* as root for {plugin.as_root}; needs sudoers.d/undergoal-{name}, and takes no options */\n"
            f'object CheckCommand "undergoal_{name}_as_root" {{\n'
            f'\tcommand = [ "/usr/bin/sudo", "-n", UndergoalDir + "/check_{name}" ]\n'
            f"\ttimeout = {limit:g}s\n"
            "}\n"
        )
    return text


def commands(plugins: list[Plugin], head: str) -> str:
    """undergoal-commands.conf"""
    start = (
        f"/* {head}\n\n"
        "   A CheckCommand per check: undergoal_NAME, undergoal_NAME_by_ssh. Each option is a variable of the host or\n"
        '   service, undergoal_NAME_OPTION: vars.undergoal_docker_bridge_exclude = [ "lxdbr0" ]\n'
        "   Each timeout is longer than the check's own, so that it is the check that says what hangs. With a longer\n"
        f"   undergoal_NAME_timeout, set the service's check_timeout to {ENGINE_EXTRA} s more than that; by ssh, set\n"
        f"   by_ssh_timeout to {ENGINE_EXTRA} s more, and check_timeout to {2 * ENGINE_EXTRA} s more.\n"
        '   To install it elsewhere: const UndergoalDir = "/opt/undergoal/bin" in constants.conf. */\n\n'
        'if (!globals.contains("UndergoalDir")) {\n\tconst UndergoalDir = PluginDir\n}\n\n'
    )
    return start + "\n".join(_command(plugin) for plugin in plugins)


def services(plugins: list[Plugin], head: str) -> str:
    """undergoal-services.conf"""
    names = ", ".join(quoted(plugin.name) for plugin in plugins)
    return f"""\
/* {head}

   A host says what is checked there, and how:
     vars.undergoal = [ {names} ]
     vars.undergoal_via = "agent"    on the host's own Icinga (see zones.conf.example)
                        = "ssh"      a login for each check
                        = "passive"  the host submits: undergoal submit --icinga (systemd/undergoal-submit.timer)
   without undergoal_via they run where the host is checked from. */

template Service "undergoal" {{
	max_check_attempts = 3
	check_interval = 1m
	retry_interval = 30s
}}

apply Service for (check in host.vars.undergoal) {{
	import "undergoal"
	check_command = "undergoal_" + check
	if (host.vars.undergoal_via == "agent") {{
		command_endpoint = host.name
	}}
	assign where host.vars.undergoal && host.vars.undergoal_via in [ null, "agent" ]
}}

apply Service for (check in host.vars.undergoal) {{
	import "undergoal"
	check_command = "undergoal_" + check + "_by_ssh"
	assign where host.vars.undergoal && host.vars.undergoal_via == "ssh"
}}

/* A result that does not come is UNKNOWN: the active check runs only when nothing came for so long. */
apply Service for (check in host.vars.undergoal) {{
	max_check_attempts = 1
	check_interval = 5m
	check_command = "dummy"
	vars.dummy_state = 3
	vars.dummy_text = "UNKNOWN - no result was submitted for 5 minutes"
	assign where host.vars.undergoal && host.vars.undergoal_via == "passive"
}}
"""
