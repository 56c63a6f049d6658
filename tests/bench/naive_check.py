#!/usr/bin/env python3
"""The yardstick of cost: what a plugin is when it is written with nagiosplugin in the usual way."""

import argparse

import nagiosplugin


class Load(nagiosplugin.Resource):
    """Load averages."""

    def probe(self):
        with open("/proc/loadavg") as loadavg:
            values = loadavg.read().split()[:3]
        for name, value in zip(("load1", "load5", "load15"), values):
            yield nagiosplugin.Metric(name, float(value), min=0, context="load")


class LoadSummary(nagiosplugin.Summary):
    """One line."""

    def ok(self, results):
        return "loadavg is " + ", ".join(str(result.metric) for result in results)


@nagiosplugin.guarded
def main():
    parser = argparse.ArgumentParser(description="check the load")
    parser.add_argument("-w", "--warning", default="", metavar="RANGE", help="warning if outside RANGE")
    parser.add_argument("-c", "--critical", default="", metavar="RANGE", help="critical if outside RANGE")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="more output")
    parser.add_argument("-t", "--timeout", type=int, default=10, help="seconds")
    options = parser.parse_args()
    check = nagiosplugin.Check(
        Load(), nagiosplugin.ScalarContext("load", options.warning, options.critical), LoadSummary()
    )
    check.main(options.verbose, options.timeout)


if __name__ == "__main__":
    main()
