"""What all parts of a pack are made of: keys, limits, texts with a language, mappings that keep their order."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    WrapSerializer,
    model_validator,
)

KEY_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
COLOUR_PATTERN = r"^#[0-9a-fA-F]{6}$"
RECOMMENDATION_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*/[A-Za-z0-9][A-Za-z0-9.-]*$"  # report/number
TWIN_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*#[a-z0-9]+(-[a-z0-9]+)*$"  # agency-type#criterion

Key = Annotated[str, StringConstraints(strict=True, pattern=KEY_PATTERN, max_length=80)]
WholeNumber = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Limit = Annotated[float, Field(strict=True, ge=0, le=1)]
Flag = Annotated[bool, Field(strict=True)]
Colour = Annotated[str, StringConstraints(strict=True, pattern=COLOUR_PATTERN)]
Recommendation = Annotated[str, StringConstraints(strict=True, pattern=RECOMMENDATION_PATTERN)]
Twin = Annotated[str, StringConstraints(strict=True, pattern=TWIN_PATTERN)]

FROZEN = "frozen"  # validation context of `Pack.from_frozen`


def _thaw_keyed(value: Any, info: ValidationInfo) -> Any:
    if info.context == FROZEN and isinstance(value, list):
        return {entry["key"]: {k: v for k, v in entry.items() if k != "key"} for entry in value}
    return value


def _freeze_keyed(value: Any, handler: SerializerFunctionWrapHandler) -> Any:
    return [{"key": key, **entry} for key, entry in handler(value).items()]


def _freeze_raw(value: Any) -> Any:
    """Mappings become `{"pairs": [[key, value], …]}`, everything else stays."""
    if isinstance(value, Mapping):
        return {"pairs": [[key, _freeze_raw(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_freeze_raw(item) for item in value]
    return value


def _thaw_raw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thaw_raw(item) for key, item in value["pairs"]}
    if isinstance(value, list):
        return [_thaw_raw(item) for item in value]
    return value


def _thaw_raw_field(value: Any, info: ValidationInfo) -> Any:
    return _thaw_raw(value) if info.context == FROZEN else value


T = TypeVar("T")
# A mapping whose order matters on pages. Canonical JSON and PostgreSQL's jsonb sort keys, so it is
# frozen as a list of entries with their `key`.
Keyed = Annotated[dict[Key, T], BeforeValidator(_thaw_keyed), WrapSerializer(_freeze_keyed)]
# The content of a file that another module defines. The order of its keys is kept too.
Raw = Annotated[
    dict[str, Any],
    BeforeValidator(_thaw_raw_field),
    WrapSerializer(lambda value, _handler: _freeze_raw(value)),
]


class Part(BaseModel):
    """What all parts of a pack share: they never change, and they know all of their keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _older(cls, value: Any, info: ValidationInfo) -> Any:
        """A published version may hold keys that a later program no longer knows: they are passed over."""
        if info.context == FROZEN and isinstance(value, Mapping) and cls.model_config["extra"] == "forbid":
            return {key: item for key, item in value.items() if key in cls.model_fields}
        return value


def exact(number: Fraction | float) -> Fraction:
    """A number as its author wrote it: the float 0.9 is a little more than nine tenths."""
    return number if isinstance(number, Fraction) else Fraction(str(number))
