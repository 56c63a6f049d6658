"""The extension of a Checkmk site (2.3 and later): what is in here goes into the .mkp, see agent_plugins/mkp.py.

A site has nothing else of undergoal, so these modules use Checkmk's plugin APIs, each other, and those modules of
perfdata that need nothing themselves. In the package they are at home in cmk_addons.plugins.undergoal, with perfdata
below it.
"""
