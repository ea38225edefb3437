"""Every setting of the server, typed, with its unit and its reason. Built once, passed down.

Names in the environment carry the prefix ``SAQSHY_``; ``DATABASE_URL`` is read as it is too.
"""

import enum
import re
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

_DATED_HOURS = r"^\d{4}-\d\d-\d\d=\d{1,4}(,\d{4}-\d\d-\d\d=\d{1,4})*$"

_DATED_ROUNDING = r"^\d{4}-\d\d-\d\d=[a-z_]{1,32}(,\d{4}-\d\d-\d\d=[a-z_]{1,32})*$"
_DATED_SUMS = r"^\d{4}-\d\d-\d\d=\d{1,15}/\d{1,15}(,\d{4}-\d\d-\d\d=\d{1,15}/\d{1,15})*$"


class StoreKind(enum.Enum):
    """Where objects (recordings, slips, papers) lie."""

    DIRECTORY = "directory"
    S3 = "s3"


class Retention(enum.Enum):
    """Whether an S3 store is told until when it may let nobody delete a recording."""

    NONE = "none"
    GOVERNANCE = "governance"  # a permitted destruction may go before
    COMPLIANCE = "compliance"  # nothing and nobody may; no shortened term is carried out


class StoreAddress(BaseModel):
    """A further store: a folder by ``path``, or a bucket by the others."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: StoreKind
    path: Path | None = None
    endpoint: str = ""
    region: str = "us-east-1"
    bucket: str = ""
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    checksums_when_required: bool = True
    retention: Retention = Retention.NONE

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        bucket = bool(self.endpoint and self.bucket and self.access_key and self.secret_key)
        if bucket is not (self.kind is StoreKind.S3) or (self.path is None) is not bucket:
            raise ValueError("a directory has a path; s3 has endpoint, bucket and both keys")
        return self


def _bucket(endpoint: str, bucket: str) -> tuple[str, str]:
    """Return a bucket as it can be compared: its host is written in many ways."""
    parts = urlsplit(endpoint.strip())
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.hostname}:{port}{parts.path.rstrip('/')}", bucket


def _are_one(one: Path | tuple[str, str], other: Path | tuple[str, str]) -> bool:
    if isinstance(one, Path) and isinstance(other, Path):
        return one.is_relative_to(other) or other.is_relative_to(one)
    return one == other


class TierSetting(BaseModel):
    """A rule of ``bodycam.rules.tiers``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    valid_from: date
    to: str
    after_days: int = Field(ge=0, le=36_500)
    categories: frozenset[str] = frozenset({"crime", "administrative", "other"})
    wanted_too: bool = False


class SandboxKind(enum.Enum):
    """What shuts in a media program that reads foreign bytes."""

    BUBBLEWRAP = "bubblewrap"  # sees the system's programs and nothing else
    NAMESPACES = "namespaces"  # weaker: no network, but the files of the machine can be read


class TrustEnvironment(enum.Enum):
    """Whose certificates are believed: the real ones, or those of a test; never both."""

    PRODUCTION = "production"
    TEST = "test"


class RegisterProtocol(enum.Enum):
    """How a register is spoken to."""

    HTTP = "http"  # the house protocols: JSON
    SMARTBRIDGE = "smartbridge"  # the state bus: SOAP under WS-Security


class RegisterAddress(BaseModel):
    """Where one register is, where that is not the common address.

    Attributes:
        service_id: the bus's name of the service; with ``smartbridge`` alone.
        signer_bin: the BIN of the body whose system signs the replies; with ``smartbridge`` alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: RegisterProtocol = RegisterProtocol.HTTP
    address: HttpUrl
    timeout_seconds: float | None = Field(default=None, gt=0, le=30)
    service_id: str = Field(default="", max_length=128)
    signer_bin: str = Field(default="", pattern=r"^([0-9]{12})?$")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        bus = self.kind is RegisterProtocol.SMARTBRIDGE
        if bool(self.service_id) is not bus or bool(self.signer_bin) is not bus:
            raise ValueError("service_id and signer_bin go with smartbridge, and with it alone")
        return self


class Settings(BaseSettings):
    """The server's settings; frozen, and silent about its values when one is wrong."""

    model_config = SettingsConfigDict(
        env_prefix="SAQSHY_",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    # Database. Empty means: start the embedded PostgreSQL in ``var_dir`` and migrate on start.
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "SAQSHY_DATABASE_URL")
    )
    database_pool_size: int = Field(default=8, ge=1, le=64)
    statement_timeout_seconds: float = Field(default=20, gt=0, le=600)

    # Places.
    var_dir: Path = Path("var")  # the embedded database, objects, keys, logs
    keys_dir: Path | None = None  # default: var_dir/keys; see app.keys
    trust_roots_dir: Path | None = None  # PEM roots of the certification authority we trust

    # Whose signatures are believed, and who is asked whether a certificate was revoked.
    trust_environment: TrustEnvironment = TrustEnvironment.PRODUCTION
    ocsp_url: HttpUrl | None = None  # with none, the certificate's own address, if it is allowed
    crl_urls: str | None = None  # lists and deltas, separated by commas
    revocation_hosts: str = "ocsp.pki.gov.kz,crl.pki.gov.kz"  # certificates may name these alone
    revocation_timeout_seconds: float = Field(default=3, gt=0, le=30)
    crl_bytes_max: int = Field(default=16 << 20, ge=1024)

    # Listening.
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=1, le=65535)
    metrics_port: int = Field(default=8701, ge=0, le=65535)  # loopback only; 0 turns it off
    public_url: str = "http://127.0.0.1:8700"  # what devices and receipts are told
    serve_processes: int = Field(default=1, ge=1, le=64)
    concurrency_max: int = Field(default=256, ge=1)  # over it: 503 with Retry-After
    body_bytes_max: int = Field(default=1 << 20, ge=1024)  # any route that does not say otherwise
    cookie_secure: bool = False  # set it wherever the pages are served over TLS

    # Sessions (NIST SP 800-63B AAL3 bounds).
    session_hours_max: float = Field(default=12, gt=0, le=12)
    session_idle_minutes_max: float = Field(default=15, gt=0, le=60)
    device_token_minutes: float = Field(default=15, ge=1, le=24 * 60)  # of systems at ``/axis``
    challenge_seconds: float = Field(default=120, gt=0, le=600)

    ncalayer_url: str = "wss://127.0.0.1:13579"  # the signer on the user's own machine

    # Registers of other bodies.
    registers_url: HttpUrl | None = None
    register_timeout_seconds: float = Field(default=3, gt=0, le=30)  # each register by itself
    case_registers_url: HttpUrl | None = None  # ERDR, AIS SU, AIS OIP, EAIAS
    register_addresses: dict[str, RegisterAddress] = Field(default={})  # by name, over the above
    register_tls_roots: Path | None = None  # PEM file; with none, the public authorities
    register_repeats_max: int = Field(default=2, ge=0, le=5)  # of what was never sent
    register_failures_max: int = Field(default=5, ge=1, le=100)  # in a row: then left alone
    register_pause_seconds: float = Field(default=10, gt=0, le=600)  # how long it is left alone

    # The state bus: how our system names itself and signs. All four, or none.
    smartbridge_sender_id: str | None = None
    smartbridge_password: SecretStr | None = None
    smartbridge_key_file: Path | None = None  # PEM: our key and its certificate
    smartbridge_roots_dir: Path | None = None  # PEM roots under which replies are believed
    exports_day_max: int = Field(default=20, ge=0, le=10_000)  # answers one person takes out a day
    audit_wait_seconds: float = Field(default=2, gt=0, le=30)  # no leaf by then: no release

    # Bodies that vouch for the log: a C2SP witness, an RFC 3161 time-stamping authority.
    witness_url: HttpUrl | None = None
    witness_key: str | None = None  # its verifier key: name+id+base64
    tsa_url: HttpUrl | None = None
    tsa_roots_dir: Path | None = None  # PEM roots under which time-stamps are believed
    # How long releases go on while the authority is silent: date=hours, each from its day on.
    anchor_outage_hours: str = Field(
        default="2026-01-01=4", pattern=r"^\d{4}-\d\d-\d\d=\d+(,\d{4}-\d\d-\d\d=\d+)*$"
    )

    # Objects.
    object_store: StoreKind = StoreKind.DIRECTORY
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_bucket: str = "saqshy"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None
    s3_checksums_when_required: bool = True  # older S3 servers corrupt trailing checksums
    s3_retention: Retention = Retention.NONE
    stores: dict[str, StoreAddress] = Field(default={})  # further ones, by name
    tier_rules: list[TierSetting] = Field(default=[], max_length=100)
    presign_seconds: int = Field(default=3600, ge=60, le=86400)

    # Uploads.
    recording_bytes_max: int = Field(default=64 << 30, ge=1 << 20)  # 24 h at 6 Mbit/s
    parts_port: int = Field(default=0, ge=0, le=65535)  # of a process for parts alone; 0: none
    parts_url: HttpUrl | None = None  # where docks reach it; with none they send to the server
    parts_connections_max: int = Field(default=1024, ge=1, le=65536)  # one more is closed

    # Footage. Without bubblewrap nothing is derived from a recording; it still plays.
    media_sandbox: SandboxKind = SandboxKind.BUBBLEWRAP
    camera_anchors_file: Path | None = None  # PEM: who vouches for the keys in signed video

    # What papers tell the treasury (Minister of Finance Order No. 403 of 18.09.2014). Both values
    # are unverified: the finance service confirms them before real money is taken.
    budget_code: str = Field(default="204105", pattern=r"^[0-9]{6}$")  # КБК: traffic fines
    purpose_code: str = Field(default="913", pattern=r"^[0-9]{3}$")  # КНП: purpose of payment

    # Terminals.
    order_poll_seconds: float = Field(default=20, gt=0, le=60)  # the agent's long poll
    read_card_before_sale: bool = True  # where a terminal can: refused before it is charged
    # Off until the acquirer has agreed to answer for cards whose issuer cannot compare the IIN.
    own_card_by_name: bool = False
    # The hour of the law's clock at which terminals close their day, and the hour of the next
    # morning by which their totals are missing: date=hour, each from its day on. No published
    # text names either: the finance service confirms them before real money is taken.
    end_of_day_hours: str = Field(default="2026-01-01=22", pattern=_DATED_HOURS)
    totals_missing_hours: str = Field(default="2026-01-01=8", pattern=_DATED_HOURS)
    # How long the register is told of a payment again and again before people look at it.
    register_notice_hours: str = Field(default="2026-01-01=24", pattern=_DATED_HOURS)
    # How long after its drawing up an agreement to reduced proceedings is taken; then the record
    # passes into ordinary ones: date=hours. No published text names it: a day leaves two of the
    # three in which it is handed on (article 808).
    reduced_term_hours: str = Field(default="2026-01-01=24", pattern=_DATED_HOURS)
    # How half a fine is rounded: date=exact_tiyn_payers_favour or whole_tenge_payers_favour. No
    # published text names it. Where terminals take no tiyn, every second fine needs the latter.
    fine_rounding: str = Field(
        default="2015-01-01=exact_tiyn_payers_favour", pattern=_DATED_ROUNDING
    )
    # How much in refunds one clerk, and all clerks of a unit together, may approve in a day of
    # Almaty: date=clerk/unit in tiyn. No published text names it: a million and three million
    # tenge let every fine of a person be given back at once, and not a day's takings of a city.
    refund_limits: str = Field(default="2026-01-01=100000000/300000000", pattern=_DATED_SUMS)
    sale_timeout_seconds: float = Field(default=240, gt=0, le=600)  # ZVT T4 is 180 s, then recovery

    @model_validator(mode="after")
    def _s3_is_whole(self) -> Self:
        if self.object_store is StoreKind.S3 and not (
            self.s3_endpoint and self.s3_access_key and self.s3_secret_key
        ):
            raise ValueError("object_store=s3 needs s3_endpoint, s3_access_key and s3_secret_key")
        return self

    @model_validator(mode="after")
    def _tiers_are_whole(self) -> Self:
        if any(re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) is None for name in self.stores):
            raise ValueError("a store's name has small Latin letters, digits and hyphens")
        if "hot" in self.stores:
            raise ValueError("hot is the name of the store that object_store sets")
        for rule in self.tier_rules:
            if rule.to not in {"hot", *self.stores}:
                raise ValueError("tier_rules name a store that stores does not")
            if not rule.categories <= {"crime", "administrative", "other"}:
                raise ValueError("tier_rules name a category that there is not")
        return self

    @model_validator(mode="after")
    def _stores_lie_apart(self) -> Self:
        # A copy into the place where the original lies reads back right, and then both go.
        hot = (
            self.objects_dir.resolve()
            if self.object_store is StoreKind.DIRECTORY
            else _bucket(self.s3_endpoint or "", self.s3_bucket)
        )
        places = {"hot": hot} | {
            name: one.path.resolve() if one.path else _bucket(one.endpoint, one.bucket)
            for name, one in self.stores.items()
        }
        for one, other in combinations(places, 2):
            if _are_one(places[one], places[other]):
                raise ValueError(
                    f"the stores {one} and {other} lie in one place: give each a folder that is"
                    " not in the other's, or a bucket of its own"
                )
        return self

    @model_validator(mode="after")
    def _vouching_is_whole(self) -> Self:
        if (self.witness_url is None) != (self.witness_key is None):
            raise ValueError("witness_url and witness_key go together")
        if (self.tsa_url is None) != (self.tsa_roots_dir is None):
            raise ValueError("tsa_url and tsa_roots_dir go together")
        return self

    @model_validator(mode="after")
    def _bus_is_whole(self) -> Self:
        ours = (
            self.smartbridge_sender_id, self.smartbridge_password,
            self.smartbridge_key_file, self.smartbridge_roots_dir,
        )  # fmt: skip
        needed = any(
            one.kind is RegisterProtocol.SMARTBRIDGE for one in self.register_addresses.values()
        )
        if any(ours) != all(ours) or (needed and not all(ours)):
            raise ValueError("the four smartbridge settings go together")
        return self

    @property
    def embedded(self) -> bool:
        """True where the program starts its own PostgreSQL."""
        return self.database_url is None

    @property
    def keys(self) -> Path:
        """The folder of the server's keys."""
        return self.keys_dir or self.var_dir / "keys"

    @property
    def objects_dir(self) -> Path:
        """The root of the directory store."""
        return self.var_dir / "objects"
