#!/usr/bin/env bash
# python-can 4.6.1: an .asc file whose header says "timestamps relative" is read as if it said "absolute".
#
# In Vector's ASCII log the word after "timestamps" says what the number at the start of a line is: seconds since the
# beginning of the measurement, or seconds since the line before. ASCReader parses the word, keeps it in an attribute
# (`timestamps_format`), and reads both files alike: four frames that are 10 ms apart all come out at the same instant,
# in any setting of `relative_timestamp`, which is about something else (whether the date of the header is added).
# Nothing is raised or logged. A recording of an hour becomes one of a fraction of a second, in which every rate,
# distance and speed derived from time is wrong.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'python-can==4.6.1' 2>/dev/null

cat > "$folder/read.py" <<'PYTHON'
import sys
from pathlib import Path

import can

HEADER = "date Mon Mar 2 08:00:00.000 2026\nbase hex  timestamps {}\nno internal events logged\n"
FRAME = "   {:.6f} 1  123             Rx   d 1 {:02X}\n"
MS_APART = 10


def milliseconds(folder, word, seconds):
    """The instants that python-can reads, since the first one, of four frames with the numbers `seconds`."""
    path = Path(folder) / f"{word}.asc"
    lines = [FRAME.format(second, number) for number, second in enumerate(seconds)]
    path.write_text(HEADER.format(word) + "".join(lines))
    with can.ASCReader(path) as reader:
        found = list(reader)
        assert reader.timestamps_format == word, reader.timestamps_format
    assert [message.data[0] for message in found] == [0, 1, 2, 3], found
    return [round((message.timestamp - found[0].timestamp) * 1000) for message in found]


folder = sys.argv[1]
step = MS_APART / 1000
absolute = milliseconds(folder, "absolute", [step * number for number in range(1, 5)])
relative = milliseconds(folder, "relative", [step] * 4)
print("python-can", can.__version__)
print("four frames 10 ms apart, header 'timestamps absolute':", absolute, "ms")
print("four frames 10 ms apart, header 'timestamps relative':", relative, "ms")
assert absolute == [0, 10, 20, 30], "the absolute file is no longer read as it was"
assert relative == [0, 0, 0, 0], "the relative file is read otherwise now: this finding is out of date"
PYTHON
"$folder/venv/bin/python" "$folder/read.py" "$folder"
