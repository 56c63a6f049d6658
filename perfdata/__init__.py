"""Numbers and time: what is measured, how it is written down for each reader, and how it develops.

Nothing in here imports from checks: arrows point agent_plugins -> checks -> perfdata.
"""
