#!/usr/bin/env bash
# python-can 4.6.1: reading a BLF file leaves out its CAN_ERROR objects (type 2), without a word.
#
# The format has two kinds of error records: CAN_ERROR (type 2, written by loggers of classic CAN) and CAN_ERROR_EXT
# (type 73). BLFReader gives the second as messages with is_error_frame, and passes over the first: of one frame, one
# CAN_ERROR and one more frame it gives two messages, while object_count of the file's header says three.
# Seen: "header counts 3 objects, 2 messages read, 0 of them error frames".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'python-can==4.6.1' 2>/dev/null
cat > "$folder/look.py" <<'PY'
import importlib.metadata, struct, sys, zlib
import can
from can.io import blf

def record(kind: int, body: bytes, at_ns: int) -> bytes:
    """One object: base header, version 1 header with a time in nanoseconds, body."""
    size = 16 + 16 + len(body)
    return b"LOBJ" + struct.pack("<HHII", 32, 1, size, kind) + struct.pack("<IHHQ", 2, 0, 0, at_ns) + body

def frame(at_ns: int) -> bytes:
    return record(1, struct.pack("<HBBI8s", 1, 0, 8, 0x123, bytes(range(8))), at_ns)

path = sys.argv[1]
with can.BLFWriter(path) as writer:  # a header as the library itself writes it
    writer.on_message_received(can.Message(timestamp=1.0, arbitration_id=0x123, data=bytes(8)))
header = bytearray(open(path, "rb").read()[:144])
objects = frame(1_000_000) + record(2, struct.pack("<HHI", 1, 0, 0), 2_000_000) + frame(3_000_000)
packed = zlib.compress(objects)
size = 16 + 16 + len(packed)
container = b"LOBJ" + struct.pack("<HHII", 16, 1, size, 10) + struct.pack("<H6xI4x", 2, len(objects)) + packed
header[32:36] = struct.pack("<I", 3)
content = bytes(header) + container + bytes(size % 4)
open(path, "wb").write(content)
with can.BLFReader(path) as reader:
    counted, messages = reader.object_count, list(reader)
errors = sum(message.is_error_frame for message in messages)
version = importlib.metadata.version("python-can")
print(f"python-can {version}: header counts {counted} objects, {len(messages)} messages read, {errors} of them error frames")
assert (counted, len(messages), errors) == (3, 2, 0), "this has changed"
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/errors.blf"
