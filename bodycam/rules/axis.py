"""The AXIS Body Worn content destination API: names, metadata, and what we say we can do.

Specification: AXIS body-worn content destination API, release 1.6.13 (README and EXAMPLE). Header
names are matched whatever their case; a key that the specification does not name is kept as data.
"""

import enum
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, unquote

from bodycam.errors.axis import AxisMetadataNotValid
from bodycam.rules.retention import Category

PREFIXES: Final = ("x-container-meta-", "x-object-meta-")  # either may stand on either kind
KEYS_MAX: Final = 64
VALUE_CHARACTERS_MAX: Final = 1024
NAME_CHARACTERS_MAX: Final = 256
REJECTED: Final = "RejectedContent_"
SYSTEM, USERS, DEVICES = "System", "Users", "Devices"
FIXED: Final = frozenset({SYSTEM, USERS, DEVICES})
COMPLETE: Final = "Complete"
# Our three footage categories of Order 971 item 14; a bookmark brings them back.
CATEGORIES: Final = (
    ("Қылмыс / Преступление", Category.CRIME.value),
    (
        "Әкімшілік құқық бұзушылық / Административное правонарушение",
        Category.ADMINISTRATIVE.value,
    ),
    ("Басқа / Иное", Category.OTHER.value),
)
_KEYS: Final = {
    name.lower(): name
    for name in (
        "ContainerName", "BWCSerialNumber", "SCUSerialNumber", "FirmwareVersion", "UserID",
        "TriggerOn", "TriggerOff", "TriggerOnTime", "TriggerOnTimeISO", "TriggerOnLocation",
        "TriggerOffTime", "TriggerOffTimeISO", "TriggerOffLocation", "StartTime", "StartTimeISO",
        "StopTime", "StopTimeISO", "EndTime", "TimeZone", "BWCModel", "Status", "ContainerType",
        "FileType", "CategoryID", "CategoryName", "Tags", "Location", "ConnectionId", "SystemName",
        "Active", "Name", "Model", "RejectedContentOriginalContainer", "RejectedContentTime",
        "RejectedContentReason",
    )
}  # fmt: skip
_COMPACT: Final = re.compile(r"(20\d\d)(\d\d)(\d\d)[T_](\d\d)(\d\d)(\d\d)Z?")
_CONTAINER: Final = re.compile(r".*_([^_]+)_20\d{6}[T_]\d{6}Z?")
_POINT: Final = re.compile(r"POINT ?\( *(-?\d{1,3}(?:\.\d+)?) +(-?\d{1,2}(?:\.\d+)?) *\)")
_POINTS_MAX: Final = 93_600  # one a second for 26 hours


class ObjectKind(enum.Enum):
    """What an object of a recording's container is."""

    CLIP = "clip"
    KEY = "key"
    BOOKMARK = "bookmark"
    TRACK = "track"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A place at an instant; degrees of WGS 84 in whole ten-millionths."""

    at: datetime
    latitude_e7: int
    longitude_e7: int


def checked_name(name: str) -> str:
    """Return a container's or an object's name; an object's may hold slashes.

    Raises:
        AxisMetadataNotValid: it is empty, too long, or holds what no name may.
    """
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or any(ord(one) < ord(" ") for one in name):
        raise AxisMetadataNotValid("a name is empty, too long or holds a control character")
    return name


def metadata_in(container: str, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the metadata for a container or something in it; see ``metadata_of``.

    Rejected content is never refused: what is out of bounds there is left out.

    Raises:
        AxisMetadataNotValid: as ``metadata_of``, of anything but rejected content.
    """
    if not container.startswith(REJECTED):
        return metadata_of(headers)
    found: dict[str, str] = {}
    for one in headers:
        try:
            found |= metadata_of([one])
        except AxisMetadataNotValid:
            continue
    return dict(list(found.items())[:KEYS_MAX])


def metadata_of(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the metadata that a request's headers carry, percent-decoded.

    Raises:
        AxisMetadataNotValid: too many keys, or a value too long or not UTF-8.
    """
    found: dict[str, str] = {}
    for header, raw in headers:
        prefix = next((one for one in PREFIXES if header.lower().startswith(one)), None)
        if prefix is None or len(header) == len(prefix):
            continue
        key = header[len(prefix) :].lower()
        try:
            value = unquote(raw, errors="strict")
        except UnicodeDecodeError as error:
            raise AxisMetadataNotValid(f"the value of {key[:32]} is not UTF-8") from error
        if len(value) > VALUE_CHARACTERS_MAX or len(key) > VALUE_CHARACTERS_MAX or "\0" in value:
            raise AxisMetadataNotValid(f"the value of {key[:32]} is too long")
        found[_KEYS.get(key, key)] = value
    if len(found) > KEYS_MAX:
        raise AxisMetadataNotValid(f"over {KEYS_MAX} keys")
    return found


def merged(known: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return a container's metadata after ``given``: keys are added, an empty value deletes."""
    return {key: value for key, value in {**known, **given}.items() if value}


def headers_of(metadata: Mapping[str, str], *, of_object: bool) -> dict[str, str]:
    """Return ``metadata`` as headers of an answer, percent-encoded."""
    prefix = "X-Object-Meta-" if of_object else "X-Container-Meta-"
    return {f"{prefix}{key}": quote(value) for key, value in metadata.items()}


def kind_of(name: str, metadata: Mapping[str, str]) -> ObjectKind:
    """Return what an object is, by its name and its metadata."""
    lower = name.lower().rpartition("/")[2]
    if lower.endswith((".mp4", ".mkv")):
        return ObjectKind.CLIP
    if lower.endswith(".key") or metadata.get("FileType") == "key":
        return ObjectKind.KEY
    if lower.startswith("bookmark_"):
        return ObjectKind.BOOKMARK
    if lower.endswith("_gpstrail.json"):
        return ObjectKind.TRACK
    return ObjectKind.OTHER


class WaitsBecause(enum.Enum):
    """Why a clip that has come is no recording yet."""

    NO_CAMERA = "no_camera"  # the unit has none of the serial number that it names
    NO_TIME = "no_time"  # nobody said when it was recorded
    NOT_READ = "not_read"  # it says all, and its stored bytes were not read


def waits_because(*, camera_known: bool, time_known: bool) -> WaitsBecause:
    """Return why a clip waits that had its turn."""
    if not camera_known:
        return WaitsBecause.NO_CAMERA
    return WaitsBecause.NOT_READ if time_known else WaitsBecause.NO_TIME


def category_of(metadata: Mapping[str, str]) -> Category | None:
    """Return which of our categories a bookmark names, ``None`` where none: it is no error.

    A camera learns of changed categories only when it is docked.
    """
    key = metadata.get("CategoryID", "")
    return Category(key) if key in {one.value for one in Category} else None


def read_instant(text: str) -> datetime | None:
    """Return the instant in ``text``: compact, RFC 3339, or seconds since 1970; else ``None``."""
    compact = _COMPACT.fullmatch(text)
    try:
        if compact is not None:
            return datetime.strptime("".join(compact.groups()), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if re.fullmatch(r"\d{9,11}(\.\d{1,9})?", text):
            return datetime.fromtimestamp(float(text), UTC)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return instant.astimezone(UTC) if instant.tzinfo is not None else None


def span_of(
    clip: Mapping[str, str], recording: Mapping[str, str]
) -> tuple[datetime, datetime | None] | None:
    """Return when a clip began and, where it says so, ended; ``None`` if it does not say."""
    began = _first(clip, "StartTimeISO", "StartTime") or _first(
        recording, "StartTimeISO", "StartTime", "TriggerOnTimeISO", "TriggerOnTime"
    )
    if began is None:
        return None
    ended = _first(clip, "StopTimeISO", "StopTime") or _first(
        recording, "StopTimeISO", "StopTime", "TriggerOffTimeISO", "TriggerOffTime"
    )
    return began, ended if ended is not None and ended > began else None


def spans_in_names(*names: str) -> tuple[datetime, None] | None:
    """Return the first instant that one of the names holds: clips and containers are named so."""
    for name in names:
        match = _COMPACT.search(name)
        began = read_instant(match[0]) if match is not None else None
        if began is not None:
            return began, None
    return None


def serial_in_name(container: str) -> str:
    """Return the camera's serial number in a container's name, or nothing.

    The name is ``<UserID>_<BWCSerialNumber>_<TriggerOnTime>``; older firmware says it there alone.
    """
    match = _CONTAINER.fullmatch(container)
    return match[1] if match is not None else ""


def _first(metadata: Mapping[str, str], *keys: str) -> datetime | None:
    for key in keys:
        instant = read_instant(metadata.get(key, ""))
        if instant is not None:
            return instant
    return None


def read_track(body: bytes) -> tuple[Point, ...]:
    """Return the points of a ``gpstrail`` object in the order of time; what is not one is left out.

    Raises:
        AxisMetadataNotValid: the object is not of the form.
    """
    try:
        entries = json.loads(body)["CoordinateEntries"]
        points = {one.at: one for one in map(_point, entries[:_POINTS_MAX]) if one is not None}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AxisMetadataNotValid("the track is not of the form") from error
    return tuple(points[at] for at in sorted(points))


def _point(entry: Any) -> Point | None:
    match = _POINT.fullmatch(str(entry.get("LocationWKT", "")).strip())
    at = read_instant(str(entry.get("Timestamp", "")))
    if match is None or at is None:
        return None
    longitude, latitude = float(match[1]), float(match[2])
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - WGS 84
        return None
    return Point(at=at, latitude_e7=round(latitude * 10**7), longitude_e7=round(longitude * 10**7))


def capabilities() -> bytes:
    """Return ``System/Capabilities.json``. What is once declared is declared for ever."""
    return json_of(
        {
            "Read": {"ReadCategories": True},
            "Store": {
                "StoreBookmarks": True,
                "StoreRejectedContent": True,
                "StoreUserIDKey": True,
                "StoreSignedVideo": True,
                "StoreGNSSTrackRecording": True,
            },
            "StoreAndRead": {"StoreReadSystemID": True},
        }
    )


def categories() -> bytes:
    """Return ``System/Categories.json``."""
    return json_of([{"Name": name, "Id": key} for name, key in CATEGORIES])


def etag_of(body: bytes) -> str:
    """Return the lower-case MD5 that this protocol names an object's bytes by."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def json_of(content: object) -> bytes:
    """Return ``content`` as the files of this protocol are written."""
    return json.dumps(content, ensure_ascii=False, indent=1).encode()
