"""An enforcement system: prints what it would do for each decision, a tab between the parts.

Ends after as many as the first argument says.
"""

import sys

from confluent_kafka import Consumer
from wardline_kit import Decoder, Registry, connection

KNOWN = {"ALLOW", "ALLOW_NOT_YOUTH", "LIMIT_REACH", "HIDE", "REMOVE", "HOLD_FOR_REVIEW", "HOLD_SECTION_SUSPENDED"}


def apply(decision: dict) -> None:
    kind = decision["type"]
    # A reversal: the content goes back to the verdict, the account is freed of the lifted action.
    action = decision["liftedAction"] if kind == "REVERSAL" else decision["accountAction"]
    # A verdict that this program does not know is held for review until it does.
    verdict = decision["verdict"] if decision["verdict"] in KNOWN else "HOLD_FOR_REVIEW"
    print(kind, decision["eventId"], verdict, action, decision["category"], sep="\t", flush=True)


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize
    decoder = Decoder(Registry(), "EnforcementDecision")
    consumer = Consumer(
        connection()
        | {
            "group.id": "enforcement.python-kit",
            "auto.offset.reset": "earliest",
            # What an aborted transaction wrote is no decision.
            "isolation.level": "read_committed",
            # Committed below, when it is done.
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(["enforcement.decisions"])
    # In a database of your own: insert decisionId under a unique key in the transaction that does the work, and do
    # nothing where it is there already. That makes of at-least-once exactly once.
    done = set()
    try:
        while len(done) < limit:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                raise SystemExit(f"{message.error()}")
            decision = decoder.decode(message.value())
            if decision["decisionId"] not in done:
                apply(decision)
                done.add(decision["decisionId"])
            consumer.commit(message, asynchronous=False)
    finally:
        consumer.close()


main()
