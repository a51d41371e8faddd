"""Settings, read once: the command line over MARQUE_* over `marque.toml`; nothing below reads the
environment."""

import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from catalog.uri import catalog_uri, unusable_option, unusable_uri
from core.errors import MarqueError
from crawlers.engine.registry import load_sites
from embeddings.registry import DEFAULT_MODEL, ModelSpec, model_spec
from embeddings.tuning import Overrides, usable_cores
from labeling.segmenters import DEFAULT_SEGMENTER

Automatic = Annotated[int | None, BeforeValidator(lambda value: None if value == "auto" else value)]
"""A number, or None for the one that suits the machine, which `auto` also says."""


@dataclass(frozen=True, slots=True, repr=False)
class StorageOptions:
    """Options of an object store, which may hold keys: shown by their names alone."""

    pairs: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return ", ".join(name for name, _ in self.pairs) + " (values are not shown)"

    def to_dict(self) -> dict[str, str]:
        """The options as LanceDB takes them."""
        return dict(self.pairs)


def _storage_options(given: object) -> StorageOptions | None:
    if given is None or isinstance(given, StorageOptions):
        return given
    try:
        options = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        options = None
    kinds = (str, int, float)  # a bool is an int
    if not isinstance(options, dict) or not all(isinstance(v, kinds) for v in options.values()):
        raise ValueError(
            'give a table of options and their values, such as {"region": "eu-west-1"}'
        )
    told = {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in options.items()
    }
    if (why := unusable_option(told)) is not None:
        raise ValueError(why)
    return StorageOptions(tuple(sorted(told.items())))


def _permissions() -> dict[str, Any]:
    """A setting for each site whose terms want a permission; its record names it."""
    return {
        site.permission: (
            bool,
            Field(
                False,
                description=f"true says that {site.title} has permitted you to query it by a "
                "program, which its terms forbid otherwise",
            ),
        )
        for site in load_sites().values()
        if site.permission
    }


if TYPE_CHECKING:

    class _Permissions(BaseSettings):
        """The settings that `_permissions` makes."""
else:
    _Permissions = create_model("_Permissions", __base__=BaseSettings, **_permissions())


class SettingsError(MarqueError):
    """A setting has a value that cannot be used; the message names it and its place."""


class Settings(_Permissions):
    """All settings, each set as `MARQUE_<NAME>` or by a line of `marque.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="MARQUE_",
        env_ignore_empty=True,
        toml_file="marque.toml",
        extra="forbid",
        frozen=True,
    )

    home: Path = Field(Path("~/.marque"), description="folder for everything Marque keeps")
    catalog: str | None = Field(
        None, description="path or URI of the catalog; by default `catalog` in the home folder"
    )
    # NoDecode: text that is not JSON is refused here, without being shown.
    storage_options: Annotated[
        StorageOptions | None, NoDecode, PlainValidator(_storage_options)
    ] = Field(
        None,
        description="options of the object store that the catalog is on, such as endpoint, "
        "region and allow_http, as LanceDB takes them; keys are better given as AWS_*",
    )
    inbox: Path | None = Field(
        None, description="folder that the scheduled ingest looks into; by default `inbox` in home"
    )
    vocabulary: Path | None = Field(
        None, description="TOML file with attributes, values and words to add to the built-in ones"
    )
    semantic_model: str = Field(
        DEFAULT_MODEL,
        description="model of the `semantic` space: ARCHITECTURE/TAG, hf-hub:ORG/REPO, "
        "local-dir:PATH, ARCHITECTURE with semantic_weights, or marque-tiny",
    )
    semantic_weights: Path | None = Field(None, description="weights file of that model")
    segmenter: str = Field(
        DEFAULT_SEGMENTER,
        description="network that says which pixels are the car's: deeplabv3_resnet101, "
        "deeplabv3_mobilenet_v3_large, or marque-mask-tiny",
    )
    segmenter_weights: Path | None = Field(None, description="weights file of that network")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps, ...")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="bf16 is faster on processors and GPUs that have it; auto measures"
    )
    batch_size: Automatic = Field(
        None, ge=1, le=4096, description="photos in one forward pass; auto measures"
    )
    threads: Automatic = Field(
        None, ge=1, le=1024, description="processor threads in one forward pass; auto measures"
    )
    workers: Automatic = Field(
        None, ge=1, le=64, description="threads that decode photos; auto takes one a core"
    )
    shard_size: int = Field(256, ge=1, le=10_000, description="photos in one task of a flow")
    label_precision: float = Field(
        0.9,
        gt=0,
        le=1,
        description="share of a network's labels that must be right: it labels from the confidence "
        "at which it reaches this share, as measured on labels of people and sources",
    )
    publish_max_loss: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the photos, or of the labels of one attribute, that a publish may "
        "take from searches; more is refused without --allow-loss, 1 refuses nothing",
    )
    exact_rows: int = Field(
        50_000, ge=0, description="up to this many photos a search compares every one"
    )

    keep_days: float = Field(
        7,
        ge=1 / 24,
        description="days for which versions of tables that were replaced are kept, and what "
        "networks out of use have said: readers that opened one before keep reading it",
    )

    contact: str | None = Field(
        None, description="address of mail or web at which sites that are crawled can reach you"
    )
    sheets_url: str | None = Field(
        None,
        description="base URL under which another program serves the folder `sheets` of the home; "
        "by default Marque's own Prefect server does",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        *_others: Any,
        **_named: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def home_path(self) -> Path:
        """The home folder, absolute."""
        return self.home.expanduser().resolve()

    @property
    def catalog_uri(self) -> str:
        """The place of the catalog: a path or a URI."""
        return catalog_uri(self.catalog or self.home_path / "catalog")

    @property
    def inbox_path(self) -> Path:
        """The folder that an ingest without a path takes photos from."""
        return (self.inbox or self.home_path / "inbox").expanduser().resolve()

    @property
    def crawls_path(self) -> Path:
        """The folder with what crawls have fetched, a folder each source."""
        return self.home_path / "crawls"

    @property
    def decode_workers(self) -> int:
        """How many threads decode photos where nothing is measured."""
        return self.workers or max(2, usable_cores())

    @property
    def overrides(self) -> Overrides:
        """The options of running the model that are set, and therefore not measured."""
        dtype = None if self.precision == "auto" else self.precision
        return Overrides(dtype, self.threads, self.batch_size, self.workers)

    @property
    def model(self) -> ModelSpec:
        """The model of the `semantic` space; raises `ModelError`."""
        return model_spec(self.semantic_model, self.semantic_weights)


def load_settings(**given: Any) -> Settings:
    """Read the settings; `given` values win, None among them means not given.

    Raises `SettingsError` naming each value that cannot be used.
    """
    known = {f"MARQUE_{name}".upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith("MARQUE_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}" if near else f"there are {', '.join(sorted(known))}"
            raise SettingsError(f"{name} in the environment is not a setting; {meant}")
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = []
        for each in error.errors():
            shown = "" if "storage_options" in each["loc"] else f" = {each['input']!r}"
            unknown = each["type"] == "extra_forbidden"
            said = "there is no such setting" if unknown else each["msg"]
            wrong.append(f"{'.'.join(map(str, each['loc']))}{shown}: {said}")
        raise SettingsError(
            "these settings cannot be used (MARQUE_<NAME> in the environment, or marque.toml): "
            + "; ".join(wrong)
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"marque.toml cannot be read: {error}") from error
    if (why := unusable_uri(settings.catalog_uri)) is not None:
        raise SettingsError(why)
    return settings
