"""The frame that every check stands in: reading the machine, options, judgement, wording, one write, exit codes."""
