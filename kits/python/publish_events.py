"""A feed producer: an account's profile, then events of it and about it. Prints the id of each event."""

import time
import uuid

from confluent_kafka import Producer
from wardline_kit import Encoder, Registry, connection


def main() -> None:
    registry = Registry()
    events = Encoder(registry, "feed.events", "FeedEvent")
    profiles = Encoder(registry, "accounts.profiles", "AccountProfile")
    producer = Producer(
        connection()
        | {
            # Nothing is lost, and a retry of the client's writes nothing twice.
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            # librdkafka would hash keys by CRC32; the rest of the chain is murmur2.
            "partitioner": "murmur2_random",
        }
    )
    failed = []

    def delivered(error, message) -> None:
        if error is not None:
            failed.append(f"{message.topic()}: {error}")

    def send(topic: str, key: str, value: bytes) -> None:
        try:
            producer.produce(topic, key=key, value=value, on_delivery=delivered)
        except BufferError:
            # The queue is full: the broker is slower than we are. Wait, or count it and go on.
            producer.poll(1)
            producer.produce(topic, key=key, value=value, on_delivery=delivered)
        producer.poll(0)

    now = int(time.time() * 1000)
    profile = {"accountId": "python-child", "ageBand": "AGE_8_TO_11", "youthMode": True, "updatedAt": now}
    send("accounts.profiles", "python-child", profiles.encode(profile))
    producer.flush()
    for text in ["这道题怎么做？", "时时彩计划群，稳赚不赔"]:
        event = {
            "eventId": str(uuid.uuid4()),
            "kind": "COMMENT",
            "occurredAt": now,
            "actorId": "python-actor",
            "actorAgeBand": "ADULT",
            "subjectId": "python-child",
            "subjectAgeBand": "AGE_8_TO_11",
            "text": text,
        }
        # The key is the actor, and stays the same for a retry of the same event.
        send("feed.events", event["actorId"], events.encode(event))
        print(event["eventId"])
    if producer.flush(120) > 0 or failed:
        raise SystemExit(f"not delivered: {failed or 'the broker did not answer'}")


main()
