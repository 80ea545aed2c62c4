# Reads bodies as Python does: lines of hex in, lines of JSON out.
import json, sys
def at(item):
    value = item.get(sys.argv[1]) if isinstance(item, dict) else None
    return value if isinstance(value, str) else None
for line in sys.stdin:
    readings = []
    try:
        value = json.loads(bytes.fromhex(line))
        readings = [[at(each) for each in value]] if isinstance(value, list) else [[at(value)]]
    except (ValueError, RecursionError):
        pass
    print(json.dumps(readings), flush=True)
