"""How to reach the broker and the registry, and Avro in Confluent framing.

The registry is asked by its Confluent-compatible interface, so this works with any that has one.
"""

import base64
import io
import json
import os
import struct
import urllib.request

import fastavro

MAGIC = 0


def connection() -> dict:
    """Settings of producers and consumers alike, from the same variables that Wardline's services read."""
    settings = {"bootstrap.servers": os.environ["WARDLINE_BROKERS"]}
    if os.environ.get("WARDLINE_TLS") == "true":
        settings["security.protocol"] = "ssl"
        if ca := os.environ.get("WARDLINE_TLS_CA_FILE"):
            settings["ssl.ca.location"] = ca
    if mechanism := os.environ.get("WARDLINE_SASL_MECHANISM"):
        settings["security.protocol"] = "sasl_ssl" if os.environ.get("WARDLINE_TLS") == "true" else "sasl_plaintext"
        settings["sasl.mechanism"] = mechanism.upper()
        settings["sasl.username"] = os.environ["WARDLINE_SASL_USERNAME"]
        settings["sasl.password"] = _secret("WARDLINE_SASL_PASSWORD_FILE")
    return settings


def _secret(variable: str) -> str:
    with open(os.environ[variable], encoding="utf-8") as file:
        return file.read().strip()


class Registry:
    """Schemas by id, and the id of a schema under a subject."""

    def __init__(self) -> None:
        self._url = os.environ["WARDLINE_REGISTRY_URL"].rstrip("/")
        self._by_id: dict[int, dict] = {}

    def _request(self, path: str):
        request = urllib.request.Request(self._url + path)
        if user := os.environ.get("WARDLINE_REGISTRY_USERNAME"):
            login = f"{user}:{_secret('WARDLINE_REGISTRY_PASSWORD_FILE')}".encode()
            request.add_header("authorization", "Basic " + base64.b64encode(login).decode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def id_of(self, topic: str, schema: dict) -> int:
        """Id of the schema under the topic's subject; it is compared as JSON, for the registry compares texts."""
        versions = f"/subjects/{topic}-value/versions"
        for version in reversed(self._request(versions)):
            answer = self._request(f"{versions}/{version}")
            if json.loads(answer["schema"]) == schema:
                return answer["id"]
        raise LookupError(f"{topic}-value has not this schema; Wardline's operators run: bin/wardline schemas register")

    def schema(self, schema_id: int) -> dict:
        if schema_id not in self._by_id:
            content = self._request(f"/schemas/ids/{schema_id}")["schema"]
            self._by_id[schema_id] = fastavro.parse_schema(json.loads(content))
        return self._by_id[schema_id]


def read_schema(record: str) -> dict:
    """A schema of the folder that WARDLINE_SCHEMAS names: schemas/ of the version of Wardline that is in use."""
    with open(os.path.join(os.environ["WARDLINE_SCHEMAS"], record + ".avsc"), encoding="utf-8") as file:
        return json.load(file)


class Encoder:
    """Records of one schema as bytes: a zero byte, the schema's id in four bytes, the Avro body."""

    def __init__(self, registry: Registry, topic: str, record: str) -> None:
        schema = read_schema(record)
        self._head = struct.pack(">bI", MAGIC, registry.id_of(topic, schema))
        self._schema = fastavro.parse_schema(schema)

    def encode(self, value: dict) -> bytes:
        """Fields with a default may be left out. Raises where the value does not fit."""
        buffer = io.BytesIO(self._head)
        buffer.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(buffer, self._schema, value, strict_allow_default=True)
        return buffer.getvalue()


class Decoder:
    """Reads what any version wrote as the schema that we have: a new field is skipped, a new symbol is the default one."""

    def __init__(self, registry: Registry, record: str) -> None:
        self._registry = registry
        self._reader = fastavro.parse_schema(read_schema(record))

    def decode(self, data: bytes) -> dict:
        magic, schema_id = struct.unpack(">bI", data[:5])
        if magic != MAGIC:
            raise ValueError(f"the first byte is {magic}, not 0: no Confluent framing")
        return fastavro.schemaless_reader(io.BytesIO(data[5:]), self._registry.schema(schema_id), self._reader)
