"""The import contracts hold, and each of them notices the breach it is there for."""

import subprocess
import sys
from copy import deepcopy

import pytest
from importlinter.api import read_configuration
from importlinter.application import use_cases
from importlinter.domain.contract import registry

from tests.architecture.sources import ROOT

# Contract, importer, imported: each line is a breach that somebody might commit in good faith.
BREACHES = [
    ("stack", "fines.service", "bodycam.service"),
    ("stack", "bodycam.service", "fines.rules"),
    ("stack", "devices.service", "fines.service"),
    ("stack", "app.exchange.service", "devices.service"),
    ("stack", "app.identity.service", "app.exchange.service"),
    ("stack", "app.audit.service", "app.identity.service"),
    ("stack", "app.calendar.service", "app.audit.service"),
    ("stack", "app.db", "app.identity.models"),
    ("stack", "fines.api", "app.web.pages"),
    ("stack", "bodycam.api", "app.main"),
    ("stack", "fines.service", "app.problems"),
    ("stack", "app.errors", "app.clock"),
    ("platform", "app.settings", "app.keys"),
    ("slices", "fines.rules", "fines.service"),
    ("slices", "fines.repository", "fines.service"),
    ("slices", "devices.service", "devices.api"),
    ("slices", "app.exchange.models", "app.exchange.schemas"),
    ("slices", "app.audit.rules", "app.audit.models"),
    ("slices", "bodycam.wire", "bodycam.rules"),
    ("slices", "fines.errors", "fines.rules"),
    ("acyclic", "app.runtime.postgres", "app.runtime.supervisor"),
    ("pure", "fines.rules", "sqlalchemy"),
    ("pure", "app.audit.verify", "fastapi"),
    ("pure", "devices.errors", "starlette"),
    ("pure", "bodycam.wire", "httpx"),
    ("pure", "app.identity.rules", "app.settings"),
    ("http", "fines.service", "fastapi"),
    ("http", "devices.repository", "starlette"),
    ("http", "bodycam.storage", "fastapi"),
    ("wire-of-field-slices", "fines.wire", "app.errors"),
    ("wire-of-exchange", "app.exchange.wire", "app.iin"),
    ("field-of-fines", "fines.field", "app.iin"),
    ("field-of-fines", "fines.field", "fines.rules"),
    ("field-of-bodycam", "bodycam.field", "bodycam.storage"),
    ("field-of-bodycam", "bodycam.field", "fines.wire"),
    ("field-apart", "fines.service", "fines.field"),
    ("sim", "sim.district", "app.iin"),
    ("sim", "sim.district", "fines.rules"),
    ("server-without-sim", "fines.service", "sim.district"),
    ("registers", "fines.service", "app.exchange.register"),
    ("registers-wire", "devices.service", "app.exchange.wire"),
    ("clients-http", "fines.service", "httpx"),
    ("clients-xml", "fines.service", "lxml"),
    ("clients-line", "fines.service", "serial"),
    ("clients-store", "bodycam.service", "boto3"),
    ("clients-media", "bodycam.service", "ffmpeg"),
    ("fonts", "fines.rendering", "fontTools"),
    ("tables-of-audit", "app.identity.service", "app.audit.models"),
    ("tables-of-calendar", "fines.service", "app.calendar.models"),
    ("tables-of-exchange", "devices.service", "app.exchange.models"),
    ("tables-of-identity", "app.exchange.service", "app.identity.models"),
    ("tables-of-devices", "fines.service", "devices.models"),
    ("tables-of-fines", "app.web", "fines.models"),
    ("tables-of-bodycam", "app.web", "bodycam.models"),
]
STRANGERS = [
    ("slices", "fines.helpers"),
    ("slices", "app.exchange.client"),
    ("platform", "app.utils"),
]


@pytest.fixture(scope="module")
def options():
    return read_configuration(str(ROOT / "pyproject.toml"))


@pytest.fixture(scope="module")
def graph(options):
    return use_cases._build_graph(
        root_package_names=options["session_options"]["root_packages"],
        include_external_packages=True,
        exclude_type_checking_imports=False,
        verbose=False,
        cache_dir=None,
    )


@pytest.fixture(scope="module")
def contracts(options):
    use_cases._register_contract_types(use_cases.read_user_options(str(ROOT / "pyproject.toml")))
    return {
        one["id"]: registry.get_contract_class(one["type"])(
            name=one["name"], session_options=options["session_options"], contract_options=one
        )
        for one in options["contracts_options"]
    }


def test_the_contracts_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()",
         "--no-cache", "--no-logo"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "importer", "imported"), BREACHES)
def test_a_breach_is_noticed(graph, contracts, contract, importer, imported):
    breached = deepcopy(graph)
    breached.add_import(importer=importer, imported=imported)

    check = contracts[contract].check(breached, verbose=False)

    assert not check.kept


@pytest.mark.parametrize(("contract", "module"), STRANGERS)
def test_a_file_of_another_name_is_noticed(graph, contracts, contract, module):
    breached = deepcopy(graph)
    breached.add_module(module)

    check = contracts[contract].check(breached, verbose=False)

    assert not check.kept


def test_every_contract_has_a_breach_of_its_own(contracts):
    breached = {contract for contract, *_ in BREACHES}

    assert set(contracts) == breached
