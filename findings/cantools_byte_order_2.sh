#!/usr/bin/env bash
# cantools 45.1.0: a signal whose byte order is neither 0 nor 1 is read as a little-endian whole number, without a word.
#
# A DBC line states the byte order as @1 (little-endian) or @0 (big-endian). Some tools write @2 for a signal that is a
# 32-bit IEEE 754 number. cantools loads such a file without an error or a warning, and decodes 12.5 as 1095237632.
# Seen: "byte_order little_endian, is_float False, value 1095237632". What the format has no word for should be refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'cantools==45.1.0' 2>/dev/null
cat > "$folder/power.dbc" <<'DBC'
VERSION ""
NS_ :
BS_:
BU_: Unit
BO_ 256 Power: 4 Unit
 SG_ Output : 0|32@2+ (1,0) [0|0] "kW" Unit
DBC
cat > "$folder/look.py" <<'PY'
import struct, sys, warnings
import cantools
warnings.simplefilter("error")
database = cantools.database.load_file(sys.argv[1])
signal = database.get_message_by_name("Power").signals[0]
value = database.decode_message(256, struct.pack("<f", 12.5))["Output"]
print(f"cantools {cantools.__version__}: byte_order {signal.byte_order}, is_float {signal.is_float}, value {value}")
assert (signal.byte_order, signal.is_float, value) == ("little_endian", False, 1095237632), "this has changed"
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/power.dbc"
