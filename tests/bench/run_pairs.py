"""Run inside a namespace by the benchmarks: argv 1 is JSON {rounds, rows}; prints the costs as JSON."""

from __future__ import annotations

import json
import sys

from pairs import compare

if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    costs = compare([(label, argv) for label, argv in order["rows"]], order["rounds"], order["environment"])
    print(json.dumps(costs))
