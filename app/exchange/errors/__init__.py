"""Refusals of the exchange, a file for each use."""

from app.exchange.errors.requests import (
    AnswerDamaged,
    BasisRefused,
    CheckNotFound,
    CheckNotReleased,
    DeviceRefused,
    FieldsRefused,
    GateRefused,
    LimitRefused,
    MrzNotValid,
    PlateNotValid,
    RoleRefused,
    SessionRefused,
    StepRefused,
    UserRefused,
)

__all__ = [
    "AnswerDamaged",
    "BasisRefused",
    "CheckNotFound",
    "CheckNotReleased",
    "DeviceRefused",
    "FieldsRefused",
    "GateRefused",
    "LimitRefused",
    "MrzNotValid",
    "PlateNotValid",
    "RoleRefused",
    "SessionRefused",
    "StepRefused",
    "UserRefused",
]
