#!/usr/bin/env bash
# python-can 4.6.1: reading a PCAN trace leaves out its error frames, without a word.
#
# PEAK's .trc 2.1 writes error frames as lines of type ER, among DT (data) and FD lines. TRCReader gives messages for the
# others and passes over these, so that a bus full of errors reads like a quiet one.
# Seen: "3 lines, 2 messages, 0 of them error frames".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'python-can==4.6.1' 2>/dev/null
cat > "$folder/look.py" <<'PY'
import importlib.metadata, sys
import can

payload = " ".join(f"{value:02X}" for value in range(1, 13))
lines = [
    "      1      1059.900 DT 1      0300 Rx -  7    00 01 02 03 04 05 06 ",
    "      2      1334.222 ER 1         - Rx -  5    04 00 02 00 00 ",
    f"      3      1334.416 FD 1      0500 Rx -  9    {payload} ",
]
head = [
    ";$FILEVERSION=2.1", ";$STARTTIME=43474.4376213194", ";$COLUMNS=N,O,T,B,I,d,R,L,D", ";",
]
path = sys.argv[1]
with open(path, "w") as file:
    file.write("\n".join([*head, *lines]) + "\n")
with can.TRCReader(path) as reader:
    messages = list(reader)
errors = sum(message.is_error_frame for message in messages)
version = importlib.metadata.version("python-can")
print(f"python-can {version}: {len(lines)} lines, {len(messages)} messages, {errors} of them error frames")
assert (len(messages), errors) == (2, 0), "this has changed"
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/errors.trc"
