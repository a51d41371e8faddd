"""The tables of the catalog as Arrow schemas, each with its primary key.

The schema itself declares the key, so that it holds from the first version of a table: without it
LanceDB lets two writers insert the same new key and reports no error. LanceDB takes one column as
key, so the key of a sighting is a digest of its source and id.
"""

import hashlib
from dataclasses import dataclass

import pyarrow as pa

from core.vocabulary import Attribute, Vocabulary

KEY_MARK = {b"lance-schema:unenforced-primary-key:position": b"1"}
SPACE_MARK = b"marque.space"

_TIME = pa.timestamp("us", tz="UTC")
_BOX = pa.list_(pa.int32(), 4)
_PHASH = pa.list_(pa.uint8(), 8)  # bytes, so that LanceDB's hamming metric can search it


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table's name, schema and primary key."""

    name: str
    key: str
    schema: pa.Schema


def sighting_id(source: str, source_id: str) -> str:
    """The key of a sighting: sha256, hex, of its source and its id there."""
    return hashlib.sha256(f"{source}\x1f{source_id}".encode()).hexdigest()


def table_specs(vocabulary: Vocabulary) -> dict[str, TableSpec]:
    """All tables; the label columns of `cars` depend on the vocabulary."""
    specs = [
        TableSpec("images", "image_id", _IMAGES),
        TableSpec("sightings", "sighting_id", _SIGHTINGS),
        TableSpec("assertions", "assertion_id", _ASSERTIONS),
        TableSpec("cars", "image_id", cars_schema(vocabulary)),
        TableSpec("rejects", "reject_id", _REJECTS),
        TableSpec("runs", "run_id", _RUNS),
        TableSpec("labelers", "labeler_id", _LABELERS),
        TableSpec("segments", "image_id", _SEGMENTS),
        TableSpec("imports", "import_id", _IMPORTS),
        TableSpec("format", "step", _FORMAT),
    ]
    return {spec.name: spec for spec in specs}


def label_fields(attribute: Attribute) -> list[pa.Field]:
    """The columns of `cars` that hold one attribute: its value, origin and confidence."""
    value = pa.int32() if attribute.kind == "number" else pa.string()
    return [
        pa.field(attribute.name, pa.list_(value) if attribute.many else value),
        pa.field(f"{attribute.name}_origin", pa.string()),
        pa.field(f"{attribute.name}_confidence", pa.float32()),
    ]


def cars_schema(vocabulary: Vocabulary) -> pa.Schema:
    """The schema of `cars` without vector columns."""
    labels = [field for a in vocabulary.attributes.values() for field in label_fields(a)]
    return pa.schema([*_CARS_FACTS, *labels])


def vector_field(space: str, size: int, record: bytes) -> pa.Field:
    """The vector column of a space; `record` is the JSON record of the model that makes it.

    float16 halves the size at the same recall: docs/benchmarks/vectors.md has the measurement.
    """
    return pa.field(space, pa.list_(pa.float16(), size), metadata={SPACE_MARK: record})


def _key(name: str) -> pa.Field:
    return pa.field(name, pa.string(), nullable=False, metadata=KEY_MARK)


_RIGHTS = [
    pa.field("page_url", pa.string()),
    pa.field("image_url", pa.string()),
    pa.field("license", pa.string()),
    pa.field("license_url", pa.string()),
    pa.field("creator", pa.string()),
    pa.field("attribution", pa.string()),
    pa.field("split", pa.string()),
]

_IMAGES = pa.schema(
    [
        _key("image_id"),  # sha256 of the bytes, hex
        pa.field("content", pa.large_binary(), nullable=False),  # the bytes as they came
        pa.field("format", pa.string()),
        pa.field("width", pa.int32()),  # as shown, after the EXIF orientation
        pa.field("height", pa.int32()),
        pa.field("bytes", pa.int64()),
        pa.field("phash", _PHASH),
        pa.field("thumbnail", pa.binary()),  # JPEG, longest side 256
        pa.field("run_id", pa.string()),
        pa.field("added_at", _TIME),
    ]
)

_SIGHTINGS = pa.schema(
    [
        _key("sighting_id"),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        *_RIGHTS,
        pa.field("words", pa.string(), nullable=False),  # JSON: field -> the source's own word
        pa.field("told", pa.string()),  # JSON: who said what, in order; null: the source said all
        pa.field("box", _BOX),  # x0, y0, x1, y1 as shown
        pa.field("box_fits", pa.bool_()),
        pa.field("revision", pa.int32(), nullable=False),  # grows when the source says otherwise
        pa.field("labelled_with", pa.string()),  # version of the vocabulary; null: not read yet
        pa.field("run_id", pa.string()),
        pa.field("fetched_at", _TIME),
    ]
)

_ASSERTIONS = pa.schema(
    [
        _key("assertion_id"),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("attribute", pa.string(), nullable=False),
        pa.field("values", pa.list_(pa.string()), nullable=False),
        pa.field("one_of", pa.bool_(), nullable=False),
        pa.field("confidence", pa.float32()),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("by", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("about", pa.string(), nullable=False),  # sighting_id it was read from, or ""
        pa.field("revision", pa.int32(), nullable=False),  # of that sighting; 0 if none
        pa.field("run_id", pa.string()),
        pa.field("created_at", _TIME, nullable=False),
    ]
)

_CARS_FACTS = [
    _key("image_id"),
    pa.field("source", pa.string(), nullable=False),
    pa.field("source_id", pa.string(), nullable=False),
    *_RIGHTS,
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    pa.field("thumbnail", pa.binary()),
    # A fingerprint of what the labels were made from: see labeling.pending.stale_cars
    pa.field("evidence", pa.int64(), nullable=False),
    pa.field("labelled_with", pa.string(), nullable=False),
]

_REJECTS = pa.schema(
    [
        _key("reject_id"),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string()),
        pa.field("run_id", pa.string()),
        pa.field("rejected_at", _TIME),
    ]
)

_RUNS = pa.schema(
    [
        _key("run_id"),
        pa.field("flow", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("started_at", _TIME),
        pa.field("finished_at", _TIME),
        pa.field("report", pa.string(), nullable=False),  # the whole RunReport, JSON
    ]
)

_LABELERS = pa.schema(
    [
        _key("labeler_id"),  # sha256 of name and version, hex
        pa.field("name", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("in_use", pa.bool_(), nullable=False),  # at most one version of a name
        pa.field("record", pa.string(), nullable=False),  # JSON: see labeling.labelers
        pa.field("weights", pa.large_binary()),  # safetensors, of labelers that are small enough
        pa.field("run_id", pa.string()),
        pa.field("changed_at", _TIME),
    ]
)

_SEGMENTS = pa.schema(
    [
        _key("image_id"),
        pa.field("version", pa.string(), nullable=False),  # of the network that made it
        # PNG with a palette, the shape of the photo: of each pixel the number of its class
        pa.field("class_map", pa.binary(), nullable=False),
        pa.field("classes", pa.list_(pa.string()), nullable=False),  # their names, by number
        pa.field("run_id", pa.string()),
    ]
)

_IMPORTS = pa.schema(
    [
        _key("import_id"),  # sha256 of the folder, hex
        pa.field("folder", pa.string(), nullable=False),  # every link resolved; for people
        pa.field("sidecar", pa.string(), nullable=False),  # the name of the teller; for people
        pa.field("path", pa.binary(), nullable=False),  # of the sidecar: no name need be text
        pa.field("columns", pa.string(), nullable=False),  # JSON: target -> column, as was asked
        pa.field("run_id", pa.string()),
        pa.field("given_at", _TIME),
    ]
)

_FORMAT = pa.schema(
    [
        _key("step"),  # its number and name
        pa.field("number", pa.int32(), nullable=False),  # the format that it leads to
        pa.field("made_with", pa.string()),
        pa.field("made_at", _TIME),
    ]
)
