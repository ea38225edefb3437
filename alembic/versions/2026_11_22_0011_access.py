"""Access to the exchange: who reports to whom, requests, rights, agreements, blocks; two roles.

Revision 0011_access. Older code runs against it: it knows no row of the new tables and gives
nobody one of the two new roles. The first version of the user agreement comes with it, in this
installation's own wording: appendix 6 of Order 151 was not published.
"""

import hashlib
import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_access"
down_revision = "0010_revocation"
branch_labels = None
depends_on = None

_OLD_ROLES = (
    "patrol_officer",
    "device_keeper",
    "duty_officer",
    "complaints_reviewer",
    "responsible_official",
    "exchange_operator",
    "finance_clerk",
    "auditor",
    "administrator",
)
_ROLES = (*_OLD_ROLES, "investigator", "exchange_controller")
_STAGES = ("requested", "returned", "granted", "refused", "active", "suspended", "blocked")
_REFUSALS = (
    "no_need",
    "wrong_role",
    "services_not_allowed",
    "bases_not_allowed",
    "no_responsible_official",
    "workplace_not_fit",
    "past_violation",
    "other",
)
_DECIDED = (
    "(decided_at IS NOT NULL AND decided_by IS NOT NULL AND decision_signature_id IS NOT NULL)"
)

_TEXT_KK = """\
Ақпарат алмасу жүйесі пайдаланушысының келісімі
(осы жүйенің өз мәтіні: Бас прокурордың № 151 бұйрығына 6-қосымша жарияланбаған)

1. Мен жүйеге тек өз электрондық цифрлық қолтаңбаммен, өзіме берілген құқықтар шегінде кіремін.
2. Мен мәліметтерді тек қызметтік қажеттілік үшін, нақты негіз бойынша сұратамын және әрбір
   сұратудың негізділігіне кепілдік беремін.
3. Мен алынған мәліметтерді тек сұратуда көрсетілген мақсатта пайдаланамын, үшінші тұлғаларға
   бермеймін және дербес деректерді қорғау туралы заңнаманы сақтаймын.
4. Мен өз кілтімді, құпиясөзімді және құрылғымды басқа адамға бермеймін; олар жоғалса немесе
   бөгде қолға түссе, жауапты лауазымды адамға дереу хабарлаймын.
5. Менің әрбір сұратуым, қарағаным, басып шығарғаным және көшіргенім журналға жазылатынын,
   журналды жауапты лауазымды адам, оператор және прокурор тексеретінін білемін.
6. Мен оннан бір сұрату бойынша және талап етілген кезде кеңейтілген негіздеме беремін.
7. Басқа лауазымға ауысқанда мен бір тәулік ішінде жаңа өтінім беремін; ол мерзім өткен соң
   құқықтарым тоқтатылатынын білемін.
8. Осы ережелер бұзылған жағдайда құқығым дереу бұғатталатынын және заң бойынша жауап
   беретінімді білемін.
"""
_TEXT_RU = """\
Соглашение пользователя системы информационного обмена
(в редакции этой системы: приложение 6 к приказу Генерального прокурора № 151 не опубликовано)

1. Я вхожу в систему только со своей электронной цифровой подписью и в пределах предоставленных
   мне прав.
2. Я запрашиваю сведения только по служебной необходимости, по действительному основанию, и
   гарантирую обоснованность каждого запроса.
3. Полученные сведения я использую только в целях, указанных в запросе, не передаю их третьим
   лицам и соблюдаю законодательство о персональных данных и их защите.
4. Я не передаю другим свои ключ, пароль и устройство, а об их утрате или о том, что к ним получил
   доступ посторонний, сообщаю ответственному должностному лицу немедленно.
5. Мне известно, что каждый мой запрос, просмотр, печать и выгрузка записываются в журнал и что его
   проверяют ответственное должностное лицо, оператор и прокурор.
6. По одному запросу из десяти и по требованию я даю расширенное обоснование.
7. При переводе на другую должность я подаю новую заявку в течение суток; мне известно, что по
   истечении этого срока мои права приостанавливаются.
8. Мне известно, что при нарушении этих правил мой доступ блокируется немедленно и что я несу
   ответственность по закону.
"""
_TEXT_EN = """\
Agreement of a user of the information exchange system
(this installation's wording: appendix 6 to the Prosecutor General's Order 151 is unpublished)

1. I enter the system with my own electronic digital signature only, within the rights given to me.
2. I ask for information only where my duty needs it, on a real basis, and I answer for the
   justification of each request.
3. I use what I receive only for the purpose that the request names, pass it to no third person, and
   keep the law on personal data and their protection.
4. I give my key, password and device to nobody; if one is lost or a stranger had access to it,
   I tell the responsible official at once.
5. I know that each of my requests, views, prints and exports is written into the log, and that the
   responsible official, the operator and the prosecutor check it.
6. For one request in ten, and whenever it is demanded, I give an extended justification.
7. When I am moved to another post I file a new request within one day; I know that my rights are
   suspended after that.
8. I know that my access is blocked at once if I break these rules, and that I answer for it by law.
"""


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _allow_roles(roles: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{role}'" for role in roles)
    op.drop_constraint(op.f("ck_posts_role"), "posts", type_="check")
    op.create_check_constraint(op.f("ck_posts_role"), "posts", f"role IN ({listed})")


def upgrade() -> None:
    _allow_roles(_ROLES)
    _people()
    _requests()
    _grants()
    _agreements()


def _people() -> None:
    op.create_table(
        "superiors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("superior_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_superiors_person_id_dates",
        ),
        sa.CheckConstraint("person_id <> superior_id", name=op.f("ck_superiors_not_himself")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_superiors_dates")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_superiors_person_id"),
        sa.ForeignKeyConstraint(["superior_id"], ["people.id"], name="fk_superiors_superior_id"),
        sa.PrimaryKeyConstraint("id", name="pk_superiors"),
    )
    op.create_index("ix_superiors_superior_id", "superiors", ["superior_id"])
    op.create_table(
        "access_blocks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            _enum("blockreason", "dismissal", "removal", "violation", "requested"),
            nullable=False,
        ),
        sa.Column("text", sa.String(2000), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_by", sa.Uuid(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_text", sa.String(2000), nullable=True),
        sa.Column("lifted_signature_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("btrim(text) <> ''", name=op.f("ck_access_blocks_text")),
        sa.CheckConstraint(
            "lifted_at IS NULL OR (lifted_by IS NOT NULL AND lifted_by <> blocked_by"
            " AND lifted_by <> person_id AND lifted_signature_id IS NOT NULL"
            " AND lifted_text IS NOT NULL AND btrim(lifted_text) <> '')",
            name=op.f("ck_access_blocks_lifted"),
        ),
        *_keys("access_blocks", person_id="people", blocked_by="people", lifted_by="people"),
        *_keys("access_blocks", lifted_signature_id="signatures"),
        sa.PrimaryKeyConstraint("id", name="pk_access_blocks"),
    )
    op.create_index(
        "ix_access_blocks_person_id_blocked_at", "access_blocks", ["person_id", "blocked_at"]
    )
    op.create_index(
        "uq_access_blocks_person_id",
        "access_blocks",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def _keys(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{of}.id"], name=f"fk_{table}_{column}")
        for column, of in columns.items()
    ]


def _requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stage", _enum("accessstage", *_STAGES), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("role", _enum("role", *_ROLES), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("bases", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("responsible_id", sa.Uuid(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("document_sha256", sa.String(64), nullable=False),
        sa.Column("signature_id", sa.Uuid(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_text", sa.String(2000), nullable=True),
        sa.Column("refusal", _enum("accessrefusal", *_REFUSALS), nullable=True),
        sa.Column("refusal_text", sa.String(2000), nullable=True),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision_signature_id", sa.Uuid(), nullable=True),
        sa.Column("seconded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconded_by", sa.Uuid(), nullable=True),
        sa.Column("seconded_signature_id", sa.Uuid(), nullable=True),
        *_checks_of_requests(),
        *_keys("access_requests", person_id="people", post_id="posts", responsible_id="people"),
        *_keys("access_requests", department_id="departments", signature_id="signatures"),
        *_keys("access_requests", decided_by="people", decision_signature_id="signatures"),
        *_keys("access_requests", seconded_by="people", seconded_signature_id="signatures"),
        sa.PrimaryKeyConstraint("id", name="pk_access_requests"),
    )
    op.create_index("ix_access_requests_department_id", "access_requests", ["department_id"])
    op.create_index(
        "ix_access_requests_person_id_filed_at", "access_requests", ["person_id", "filed_at"]
    )
    op.create_index(
        "ix_access_requests_stage_received_at", "access_requests", ["stage", "received_at"]
    )
    op.create_index(
        "uq_access_requests_person_id",
        "access_requests",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("stage = 'requested'"),
    )


def _checks_of_requests() -> list[sa.CheckConstraint]:
    checks = {
        "step": "stage IN ('requested', 'returned', 'granted', 'refused')",
        "refused": "stage <> 'refused' OR (refusal IS NOT NULL AND refusal_text IS NOT NULL"
        f" AND btrim(refusal_text) <> '' AND {_DECIDED})",
        "granted": f"stage <> 'granted' OR {_DECIDED}",
        "returned": "stage <> 'returned' OR (returned_text IS NOT NULL"
        " AND btrim(returned_text) <> '' AND received_at IS NULL)",
        "received": "stage = 'returned' OR"
        " (received_at IS NOT NULL AND responsible_id IS NOT NULL)",
        "separation": "decided_by <> person_id AND seconded_by <> person_id"
        " AND decided_by <> seconded_by",
        "two_operators": "stage <> 'granted' OR role NOT IN"
        " ('administrator', 'exchange_operator', 'exchange_controller')"
        " OR (seconded_by IS NOT NULL AND seconded_signature_id IS NOT NULL)",
    }
    return [
        sa.CheckConstraint(check, name=op.f(f"ck_access_requests_{name}"))
        for name, check in checks.items()
    ]


def _grants() -> None:
    op.create_table(
        "access_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("origin", _enum("grantorigin", "request", "transfer"), nullable=False),
        sa.Column("role", _enum("role", *_ROLES), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("bases", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("tstzrange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_access_grants_person_id_instants",
        ),
        sa.CheckConstraint(
            "(origin = 'transfer') = (deadline_at IS NOT NULL)",
            name=op.f("ck_access_grants_deadline"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_access_grants_instants")
        ),
        *_keys("access_grants", person_id="people", post_id="posts", request_id="access_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_access_grants"),
    )
    op.create_index(
        "ix_access_grants_deadline_at",
        "access_grants",
        ["deadline_at"],
        postgresql_where=sa.text("deadline_at IS NOT NULL AND suspended_at IS NULL"),
    )
    op.create_index(
        "ix_access_grants_person_id_valid_from", "access_grants", ["person_id", "valid_from"]
    )


def _agreements() -> None:
    agreements = op.create_table(
        "agreements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text_kk", sa.Text(), nullable=False),
        sa.Column("text_ru", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agreements"),
        sa.UniqueConstraint("version", name="uq_agreements_version"),
    )
    op.create_index("ix_agreements_valid_from", "agreements", ["valid_from"])
    op.create_table(
        "agreement_signatures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("signature_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("agreement_signatures", person_id="people", agreement_id="agreements"),
        *_keys("agreement_signatures", signature_id="signatures"),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_signatures"),
        sa.UniqueConstraint(
            "person_id", "agreement_id", name="uq_agreement_signatures_person_id_agreement_id"
        ),
    )
    document = f"1\n\n{_TEXT_KK}\n{_TEXT_RU}\n{_TEXT_EN}"
    first = {
        "id": uuid.UUID("6b1d2a10-0011-4151-8151-000000000001"),
        "version": 1,
        "text_kk": _TEXT_KK,
        "text_ru": _TEXT_RU,
        "text_en": _TEXT_EN,
        "sha256": hashlib.sha256(document.encode()).hexdigest(),
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
    }
    op.bulk_insert(agreements, [first])


def downgrade() -> None:
    op.drop_table("agreement_signatures")
    op.drop_table("agreements")
    op.drop_table("access_grants")
    op.drop_table("access_requests")
    op.drop_table("access_blocks")
    op.drop_table("superiors")
    _allow_roles(_OLD_ROLES)
