"""What the sign-in page says when it does not work: one clear sentence and what to do.

The codes are those of ``app.identity.errors`` and ``app.access``; those that begin with
``signer.`` are the page's own, about the program on the reader's machine.
"""

from dataclasses import dataclass
from typing import Final

from app.web.texts import N_


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A text and the codes it answers; ``shows_code`` where the administrator needs the code."""

    codes: tuple[str, ...]
    what: str
    cure: str
    shows_code: bool = False


_AGAIN: Final = N_("Press the button and sign again.")

SIGN_IN_REFUSALS: Final = (
    Refusal(
        codes=("signer.silent",),
        what=N_("NCALayer does not answer"),
        cure=N_(
            "Start NCALayer on this computer and press the button again. If the browser asks"
            " whether this site may reach programs on your computer, allow it."
        ),
    ),
    Refusal(
        codes=("signer.cancelled",),
        what=N_("Signing was cancelled"),
        cure=N_("Nothing was sent. Press the button when you are ready."),
    ),
    Refusal(
        codes=("signer.no_key",),
        what=N_("NCALayer has no such key"),
        cure=N_(
            "Check the IIN, insert the token or choose the key file that you were given as an"
            " employee of your body."
        ),
    ),
    Refusal(
        codes=("signer.failed",),
        what=N_("NCALayer could not sign"),
        cure=N_("Close the NCALayer windows and try again."),
        shows_code=True,
    ),
    Refusal(
        codes=("server.silent",),
        what=N_("The server does not answer"),
        cure=N_("Check the network of this computer and try again."),
    ),
    Refusal(
        codes=(
            "identity.challenge_not_found",
            "identity.challenge_used",
            "identity.challenge_expired",
            "identity.challenge_of_another_device",
        ),
        what=N_("The time for signing is over"),
        cure=_AGAIN,
    ),
    Refusal(
        codes=("identity.not_on_staff",),
        what=N_("You are not on the staff list"),
        cure=N_("The signature is good. Ask the personnel service to enter you."),
    ),
    Refusal(
        codes=("identity.person_blocked",),
        what=N_("You are blocked"),
        cure=N_("Ask the exchange operator why, and whether the block can be lifted."),
    ),
    Refusal(
        codes=("identity.no_post_in_force",),
        what=N_("You hold no post today"),
        cure=N_("Ask the personnel service about the dates of your post."),
    ),
    Refusal(
        codes=("identity.certificate_expired",),
        what=N_("The term of your certificate is over"),
        cure=N_("Get a new certificate from the National Certification Authority."),
    ),
    Refusal(
        codes=("identity.certificate_not_yet_valid",),
        what=N_("The term of your certificate has not begun"),
        cure=N_("Sign with the certificate that is valid today."),
    ),
    Refusal(
        codes=("identity.certificate_not_trusted",),
        what=N_("This certificate is not of an authority the server trusts"),
        cure=N_("Sign with a certificate of the National Certification Authority."),
    ),
    Refusal(
        codes=("identity.certificate_revoked", "identity.certificate_unknown"),
        what=N_("Your certificate was revoked"),
        cure=N_("Get a new certificate from the National Certification Authority."),
    ),
    Refusal(
        codes=("identity.revocation_unknown",),
        what=N_("Nobody can say now whether your certificate was revoked"),
        cure=N_("The National Certification Authority does not answer. Try again in a minute."),
    ),
    Refusal(
        codes=("identity.certificate_not_for_this",),
        what=N_("This key is not for signing in"),
        cure=N_(
            "You have two keys: one signs documents, the other signs in. Choose the other one."
        ),
    ),
    Refusal(
        codes=("identity.certificate_holder_not_admitted",),
        what=N_("This is not a certificate of an employee"),
        cure=N_("Choose the key that you were given as an employee of your body."),
    ),
    Refusal(
        codes=("identity.certificate_of_another_person",),
        what=N_("The certificate is another person's"),
        cure=N_("Choose your own key."),
    ),
    Refusal(
        codes=("identity.certificate_of_another_body",),
        what=N_("The certificate names another body"),
        cure=N_(
            "Your post is in another body than the certificate says. Get a certificate for your"
            " present place of service, or ask the personnel service."
        ),
    ),
    Refusal(
        codes=("identity.certificate_not_readable", "identity.signature_algorithm_not_allowed"),
        what=N_("The server cannot accept this kind of certificate"),
        cure=N_("Choose another key, or show the code below to the administrator."),
        shows_code=True,
    ),
    Refusal(
        codes=("identity.trust_missing", "identity.trust_mixed"),
        what=N_("The server trusts no certification authority yet"),
        cure=N_("Nobody can sign in until the administrator puts its root certificates in place."),
    ),
    Refusal(
        codes=("identity.cross_site",),
        what=N_("The server refused a request from another site"),
        cure=N_("Open this page by the address you were given and sign in there."),
    ),
    Refusal(
        codes=("app.busy", "http.503"),
        what=N_("The service is busy"),
        cure=N_("Wait a few seconds and try again."),
    ),
    Refusal(  # the last one answers every other code
        codes=("*",),
        what=N_("The server refused the signature"),
        cure=N_("Sign again with your own valid certificate. If it is refused again, show this:"),
        shows_code=True,
    ),
)

# Before the last resort of signing, what a review of a month is refused for.
REVIEW_REFUSALS: Final = (
    Refusal(
        codes=("exchange.marks_missing",),
        what=N_("Some requests wait for your mark"),
        cure=N_("Show those that wait for your mark, and say of each what you found."),
    ),
    Refusal(
        codes=("exchange.review_stale",),
        what=N_("The report was marked again meanwhile"),
        cure=N_("Open the report again and sign what it says now."),
    ),
    Refusal(
        codes=("exchange.review_unchanged",),
        what=N_("The report is signed as it is"),
        cure=N_("A correction is signed after a mark was changed."),
    ),
    Refusal(
        codes=("exchange.own_requests",),
        what=N_("Your own requests are in this report"),
        cure=N_("Nobody reviews his own requests: your superior does."),
    ),
    *SIGN_IN_REFUSALS,
)

# Before the last resort of signing, what a shorter term is refused for.
SHORTENING_REFUSALS: Final = (
    Refusal(
        codes=("bodycam.another_person_needed",),
        what=N_("The other signature is another person's"),
        cure=N_(
            "Who proposed the shorter term signs first, and another person of the unit second."
        ),
    ),
    Refusal(
        codes=("bodycam.change_applied", "bodycam.change_not_found", "bodycam.destruction_begun"),
        what=N_("There is nothing to sign here any more"),
        cure=N_("Open the page again and look how it stands."),
    ),
    *SIGN_IN_REFUSALS,
)
