"""CAN frames to signals: DBC files, bindings, columnar decoding, transport protocols.

Belongs here: everything between a frame and a decoded value with the unit of its DBC.
Does not belong here: what a signal means for the fleet (`sources`), reading and writing of files (`adapters`).
"""

from fleet_assets.core.can.binding import Bindings, bind
from fleet_assets.core.can.counts import DecodeCounts
from fleet_assets.core.can.database import CompiledDatabase, Message, Protocol, Signal, compile_database
from fleet_assets.core.can.decoding import Decoded, decode, decode_batches
from fleet_assets.core.can.long_form import signals_long
from fleet_assets.core.can.routing import Undecoded
from fleet_assets.core.can.run import DecodedMessage

__all__ = [
    "Bindings", "CompiledDatabase", "DecodeCounts", "Decoded", "DecodedMessage", "Message", "Protocol", "Signal",
    "Undecoded",    "bind", "compile_database", "decode", "decode_batches", "signals_long",
]  # fmt: skip
