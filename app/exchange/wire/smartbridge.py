"""The state bus's envelope (SmartBridge, SHEP): what stands in a SOAP body, before and after.

Synchronous channel 1.0, ``SendMessage`` in ``http://bip.bee.kz/SyncChannel/v10/Types``; see
``docs/protocols/smartbridge.md``. The same questions and answers as in the house protocols, as
elements: names in camel case, a list as an element repeated. Signing, and refusing what is not
signed, is the adapter's affair: what is read here are bytes that a signature covered.
"""

import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Union, get_args, get_origin
from uuid import UUID
from xml.etree import ElementTree as ET

from pydantic import BaseModel

from app.exchange.wire.registers import AnswerNotValid

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES: Final = "http://bip.bee.kz/SyncChannel/v10/Types"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
SUCCESS: Final = "SCSS001"
DEPTH_MAX: Final = 12
ELEMENTS_MAX: Final = 5_000
BYTES_MAX: Final = 512 * 1024  # the largest answer in JSON, its tags, and the signature

Tree = str | dict[str, "Tree | list[Tree]"]

_WORD = re.compile(r"_([a-z0-9])")
_CAPITAL = re.compile(r"([A-Z])")
for _prefix, _uri in (("soap", SOAP), ("typ", TYPES), ("wsu", WSU)):
    ET.register_namespace(_prefix, _uri)


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the bus reads of a question: ``requestInfo``.

    Attributes:
        service_id: the bus's name of the service.
        sender_id, password: how our system names itself to the bus.
    """

    message_id: UUID
    service_id: str
    sent_at: datetime
    sender_id: str
    password: str = field(repr=False)


def question_body(head: Head, request: BaseModel, *, body_id: str) -> bytes:
    """Return the SOAP body of a question, as an element of its own.

    The payload is flat as the bus's services know it: ``messageId``, ``messageDate``,
    ``senderCode``, the subject, and who asks.
    """
    body = ET.Element(f"{{{SOAP}}}Body", {f"{{{WSU}}}Id": body_id})
    asked = ET.SubElement(ET.SubElement(body, f"{{{TYPES}}}SendMessage"), "request")
    _add(
        ET.SubElement(asked, "requestInfo"),
        {
            "message_id": str(head.message_id),
            "service_id": head.service_id,
            "message_date": head.sent_at.isoformat(timespec="milliseconds"),
            "sender": {"sender_id": head.sender_id, "password": head.password},
        },
    )
    plain = request.model_dump(mode="json", exclude_none=True)
    _add(
        ET.SubElement(ET.SubElement(asked, "requestData"), "data"),
        {
            "message_id": plain["message_id"],
            "message_date": plain["message_at"],
            "sender_code": head.sender_id,
            **plain["query"],
            "requester": plain["requester"],
        },
    )
    return ET.tostring(body)


def read_question(body: bytes) -> tuple[Head, dict[str, object]]:
    """Return the head of a question and its payload as the house protocol has it.

    For the far end: the payload reads as a ``RegisterRequest`` or a ``CaseRequest``.

    Raises:
        AnswerNotValid: not a body of this form.
    """
    asked = _only(_parsed(body), f"{{{TYPES}}}SendMessage", "request")
    info, data = (
        _mapping(_only(asked, "requestInfo")),
        _mapping(_only(asked, "requestData", "data")),
    )
    sender = info.get("sender")
    if not isinstance(sender, dict):
        raise AnswerNotValid("no sender")
    try:
        head = Head(
            message_id=UUID(str(info["message_id"])),
            service_id=str(info["service_id"]),
            sent_at=datetime.fromisoformat(str(info["message_date"])),
            sender_id=str(sender["sender_id"]),
            password=str(sender["password"]),
        )
        plain: dict[str, object] = {
            "message_id": data.pop("message_id"),
            "message_at": data.pop("message_date"),
            "requester": data.pop("requester"),
        }
        data.pop("sender_code")
    except (KeyError, ValueError):
        raise AnswerNotValid("not a question of the bus") from None
    return head, plain | {"query": data}


def answer_body(
    answer: Mapping[str, object], *, asked: UUID, message_id: UUID, at: datetime, body_id: str
) -> bytes:
    """Return the SOAP body of an answer of the house protocol to the question ``asked``."""
    body = ET.Element(f"{{{SOAP}}}Body", {f"{{{WSU}}}Id": body_id})
    reply = ET.SubElement(ET.SubElement(body, f"{{{TYPES}}}SendMessageResponse"), "response")
    _add(
        ET.SubElement(reply, "responseInfo"),
        {
            "message_id": str(message_id),
            "correlation_id": str(asked),
            "response_date": at.isoformat(timespec="milliseconds"),
            "status": {"code": SUCCESS, "message": "Message has been processed successfully"},
        },
    )
    _add(ET.SubElement(ET.SubElement(reply, "responseData"), "data"), answer)
    return ET.tostring(body)


def answer_json(body: bytes, *, asked: UUID, key: str, form: type[BaseModel]) -> bytes:
    """Return the answer in ``body`` as the house protocol's JSON, for that protocol to judge.

    ``key`` names the record in it and ``form`` its shape, which tells a list of one from a value.

    Raises:
        AnswerNotValid: a SOAP fault, another form, another question's answer, or the bus says
            that the message was not processed.
    """
    reply = _only(_parsed(body), f"{{{TYPES}}}SendMessageResponse", "response")
    info = _mapping(_only(reply, "responseInfo"))
    if info.get("correlation_id") != str(asked):
        raise AnswerNotValid("an answer to another question")
    status = info.get("status")
    if not isinstance(status, dict) or status.get("code") != SUCCESS:
        raise AnswerNotValid("the bus did not process the message")
    answer = _mapping(_only(reply, "responseData", "data"))
    record = answer.get(key)
    plain: dict[str, object] = dict(answer)
    if record is not None:
        plain[key] = _shaped(form, record)
    return json.dumps(plain, ensure_ascii=False).encode()


def _parsed(body: bytes) -> ET.Element:
    try:
        element = ET.fromstring(body)  # noqa: S314 - canonical bytes hold no DTD and no entity
    except ET.ParseError:
        raise AnswerNotValid("not XML") from None
    if element.tag != f"{{{SOAP}}}Body":
        raise AnswerNotValid("not a SOAP body")
    if sum(1 for _ in element.iter()) > ELEMENTS_MAX:
        raise AnswerNotValid("too many elements")
    return element


def _only(element: ET.Element, *path: str) -> ET.Element:
    """Follow ``path`` where each step is the one child of that name."""
    for tag in path:
        found = [child for child in element if child.tag == tag]
        if len(found) != 1:
            raise AnswerNotValid("not an envelope of the bus")
        element = found[0]
    return element


def _mapping(element: ET.Element) -> dict[str, Tree | list[Tree]]:
    tree = _tree(element, depth=0)
    if isinstance(tree, str):
        raise AnswerNotValid("not an envelope of the bus")
    return tree


def _tree(element: ET.Element, *, depth: int) -> Tree:
    if depth > DEPTH_MAX:
        raise AnswerNotValid("nested too deeply")
    if not len(element):
        return element.text or ""
    found: dict[str, Tree | list[Tree]] = {}
    for child in element:
        name, value = _snake(child.tag), _tree(child, depth=depth + 1)
        held = found.get(name)
        if held is None:
            found[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            found[name] = [held, value]
    return found


def _add(parent: ET.Element, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is None:
                continue
            child = ET.SubElement(parent, _camel(name))
            if isinstance(one, Mapping):
                _add(child, one)
            else:
                child.text = str(one).lower() if isinstance(one, bool) else str(one)


def _shaped(form: object, tree: object) -> object:
    """Return ``tree`` with lists where ``form`` has them; what does not fit stays as it is."""
    kind = get_origin(form)
    if kind in {Union, types.UnionType}:
        return _shaped(next(one for one in get_args(form) if one is not type(None)), tree)
    if kind is tuple:
        members = tree if isinstance(tree, list) else [tree]
        return [_shaped(get_args(form)[0], one) for one in members]
    if isinstance(form, type) and issubclass(form, BaseModel) and isinstance(tree, dict):
        fields = form.model_fields
        return {
            name: _shaped(fields[name].annotation, value) if name in fields else value
            for name, value in tree.items()
        }
    return tree


def _camel(name: str) -> str:
    return _WORD.sub(lambda found: found.group(1).upper(), name)


def _snake(tag: str) -> str:
    return _CAPITAL.sub(lambda found: f"_{found.group(1).lower()}", tag)
