"""Structured logs: JSON lines on standard error, with a last net against personal data."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog

# Twelve digits are an IIN, thirteen to nineteen a card number. Code never logs either; this net
# catches what slips through, such as a library's message that repeats a value.
_NUMBER: Final = re.compile(r"(?<![0-9a-fA-F-])[0-9]{12,19}(?![0-9a-fA-F-])")
_MASK: Final = "[number]"
_DEPTH_MAX: Final = 6


def without_numbers(value: Any, depth: int = 0) -> Any:
    """Return ``value`` with every number that could be a person's or a card's masked."""
    if isinstance(value, str):
        return _NUMBER.sub(_MASK, value)
    if isinstance(value, dict) and depth < _DEPTH_MAX:
        return {key: without_numbers(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth < _DEPTH_MAX:
        return [without_numbers(item, depth + 1) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**11:
        return _MASK
    return value


def _net(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in list(event):
        event[key] = without_numbers(event[key])
    return event


def _render(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(event, default=str).decode()


def configure() -> None:
    """Send our own and the libraries' log lines to standard error as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _net,
    ]
    structlog.configure(
        processors=[*shared, _render],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_strip, _render])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _strip(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    kept = structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)
    return _net(logger, name, kept)
