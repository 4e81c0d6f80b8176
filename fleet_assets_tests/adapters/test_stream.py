"""Producer and group on a real server: appended once, claimed from the dead, forgotten when every group has read."""

from __future__ import annotations

import redis

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.stream_group import Backlog, StreamGroup
from fleet_assets.adapters.stream_producer import NumberedBatch, StreamProducer
from fleet_assets_tests.fixtures.can_frames import batch
from fleet_assets_tests.fixtures.redis import entries_of


def group(client: redis.Redis, name: str = "landing") -> StreamGroup:
    made = StreamGroup(client, group=name)
    made.create()
    return made


def test_a_batch_sent_twice_is_appended_once(redis_server: redis.Redis) -> None:
    producer = StreamProducer(redis_server)
    assert [producer.send(NumberedBatch("p", number, batch(0, 3))) for number in (0, 0, 3, 0)] == [1, 1, 2, 2]
    assert producer.send(NumberedBatch("q", 0, batch(0, 3))) == 3


def test_the_single_form_appends_an_entry_a_frame_in_one_step(redis_server: redis.Redis) -> None:
    producer = StreamProducer(redis_server, is_packed=False)
    assert producer.send(NumberedBatch("p", 0, batch(0, 3))) == 3
    assert producer.send(NumberedBatch("p", 0, batch(0, 3))) == 3
    entries = entries_of(redis_server)
    assert [fields[b"data"] for _, fields in entries] == [b"%016X" % number for number in range(3)]


def test_an_empty_batch_appends_nothing(redis_server: redis.Redis) -> None:
    assert StreamProducer(redis_server).send(NumberedBatch("p", 0, batch(0, 0))) == 0
    assert StreamProducer(redis_server).waiting() == 0


def test_what_was_sent_before_the_group_existed_is_read_too(redis_server: redis.Redis) -> None:
    StreamProducer(redis_server).send(NumberedBatch("p", 0, batch(0, 3)))
    reader = group(redis_server)
    group(redis_server)
    assert len(reader.read(10, 1)) == 1
    assert reader.read(10, 1) == []


def test_acknowledged_entries_leave_the_stream(redis_server: redis.Redis) -> None:
    producer, reader = StreamProducer(redis_server), group(redis_server)
    for number in range(3):
        producer.send(NumberedBatch("p", number, batch(number, 1)))
    read = [stream_id for stream_id, _ in reader.read(2, 1)]
    assert reader.backlog() == Backlog(1, 2)
    reader.acknowledge(read)
    assert (producer.waiting(), reader.backlog()) == (1, Backlog(1, 0))


def test_with_a_second_group_the_stream_keeps_what_it_still_needs(redis_server: redis.Redis) -> None:
    producer, reader, other = StreamProducer(redis_server), group(redis_server), group(redis_server, "other")
    for number in range(3):
        producer.send(NumberedBatch("p", number, batch(number, 1)))
    reader.acknowledge([stream_id for stream_id, _ in reader.read(3, 1)])
    assert producer.waiting() == 3
    owed = [stream_id for stream_id, _ in other.read(2, 1)]
    other.acknowledge(owed[:1])
    assert producer.waiting() == 2
    other.acknowledge(owed[1:] + [stream_id for stream_id, _ in other.read(2, 1)])
    assert producer.waiting() == 0


def test_entries_of_a_reader_that_died_are_claimed_after_their_time(redis_server: redis.Redis) -> None:
    producer, dead, heir = StreamProducer(redis_server), group(redis_server), group(redis_server)
    producer.send(NumberedBatch("p", 0, batch(0, 1)))
    owed = dead.read(1, 1)
    assert heir.claim(b"0-0", 60_000, 10)[1] == []
    assert heir.claim(b"0-0", 0, 10)[1] == owed


def test_a_reader_that_owes_something_is_not_forgotten(redis_server: redis.Redis) -> None:
    producer, reader = StreamProducer(redis_server), group(redis_server)
    producer.send(NumberedBatch("p", 0, batch(0, 1)))
    read = reader.read(1, 1)
    reader.leave()
    assert reader.backlog().pending == 1
    reader.acknowledge([stream_id for stream_id, _ in read])
    reader.leave()
    assert redis_server.xinfo_consumers(STREAM, "landing") == []
