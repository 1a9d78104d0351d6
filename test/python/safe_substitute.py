"""Renders templates as Python does: one JSON pair [template, values] per line in, one JSON string per line out."""

import json
import string
import sys

for line in sys.stdin:
    template, values = json.loads(line)
    print(json.dumps(string.Template(template).safe_substitute(values)))
