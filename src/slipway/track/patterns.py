"""What secrets and personal data look like. One file to read when a format is missing; add a row and a test.

``GATE`` is one RE2 expression over everything: linear in the text, and almost always the only one that runs. It is looser
than the rows: what it lets through is then judged row by row. A row's ``check`` confirms what a pattern cannot (checksums).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """One format. ``group`` is the part that is replaced; the rest (``password=``) stays readable."""

    name: str
    regex: str
    group: int = 0
    check: Callable[[str], bool] | None = None
    personal: bool = False


def luhn(text: str) -> bool:
    """Card numbers: 13-19 digits whose Luhn sum is divisible by ten, and not one digit repeated."""
    digits = [int(char) for char in text if char.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [
        digit if index % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
        for index, digit in enumerate(digits[::-1])
    ]
    return sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: the rearranged number modulo 97 is 1."""
    compact = text.replace(" ", "").replace("-", "").upper()
    if not 15 <= len(compact) <= 34 or not compact.isalnum():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def telephone(text: str) -> bool:
    """8 to 15 digits (E.164), which a date or a version number is not."""
    return 8 <= sum(char.isdigit() for char in text) <= 15


_B = r"(?:^|[^A-Za-z0-9_])"  # RE2 has no look-behind; \b does not stop at "_"
_T = r"[A-Za-z0-9_\-]"

SECRETS = (
    Pattern(
        "private-key",
        r"(?s)-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,32}-----|\z)",
    ),
    Pattern("anthropic", r"sk-ant-" + _T + r"{16,}"),
    Pattern("slipway", r"slw_[0-9a-f]{16}_([0-9a-f]{64})", 1),
    Pattern("openrouter", r"sk-or-" + _T + r"{16,}"),
    Pattern("openai", _B + r"(sk-" + _T + r"{16,})", 1),
    Pattern("stripe", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}"),
    Pattern("stripe-webhook", r"whsec_[A-Za-z0-9+/=]{16,}"),
    Pattern("aws-access-key", r"(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ABIA|ACCA)[A-Z0-9]{16}"),
    Pattern("aws-secret-key", r"(?i)aws.{0,24}?secret.{0,24}?[\"'\s:=]+([A-Za-z0-9/+=]{40})", 1),
    Pattern("google-api-key", r"AIza" + _T + r"{35}"),
    Pattern("google-oauth", r"(?:ya29\.[A-Za-z0-9_\-.]{20,}|GOCSPX-" + _T + r"{20,})"),
    Pattern("github", r"(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    Pattern("gitlab", r"gl(?:pat|ptt|rt|dt|soat|cbt)-" + _T + r"{16,}"),
    Pattern("slack", r"xox[abeoprs]-[A-Za-z0-9\-]{10,}|xapp-[0-9]-[A-Za-z0-9\-]{10,}"),
    Pattern("slack-webhook", r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/]{20,})", 1),
    Pattern("discord-webhook", r"discord(?:app)?\.com/api/webhooks/([0-9]{10,}/" + _T + r"{20,})", 1),
    Pattern("telegram", _B + r"([0-9]{8,10}:AA" + _T + r"{32,})", 1),
    Pattern("twilio", _B + r"((?:SK|AC)[0-9a-f]{32})", 1),
    Pattern("sendgrid", r"SG\." + _T + r"{16,}\." + _T + r"{16,}"),
    Pattern("mailgun", _B + r"(key-[0-9a-f]{32})", 1),
    Pattern("huggingface", r"hf_[A-Za-z0-9]{20,}"),
    Pattern("groq", r"gsk_[A-Za-z0-9]{20,}"),
    Pattern("xai", r"xai-[A-Za-z0-9]{20,}"),
    Pattern("perplexity", r"pplx-[A-Za-z0-9]{20,}"),
    Pattern("replicate", r"r8_[A-Za-z0-9]{20,}"),
    Pattern("langfuse", r"[sp]k-lf-" + _T + r"{16,}"),
    Pattern("langsmith", r"lsv2_[a-z]{2}_[A-Za-z0-9_]{20,}"),
    Pattern("pinecone", r"pcsk_[A-Za-z0-9_]{20,}"),
    Pattern("npm", r"npm_[A-Za-z0-9]{30,}"),
    Pattern("pypi", r"pypi-" + _T + r"{32,}"),
    Pattern("databricks", _B + r"(dapi[0-9a-f]{32})", 1),
    Pattern("digitalocean", r"do[opr]_v1_[0-9a-f]{32,}"),
    Pattern("vault", r"hv[sbr]\." + _T + r"{20,}"),
    Pattern("shopify", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    Pattern("square", r"(?:EAAA|sq0[a-z]{3}-)" + _T + r"{22,}"),
    Pattern("linear", r"lin_api_[A-Za-z0-9]{20,}"),
    Pattern("notion", r"(?:secret_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{32,})"),
    Pattern("azure-storage", r"(?i)accountkey=([A-Za-z0-9+/=]{40,})", 1),
    Pattern("age", r"AGE-SECRET-KEY-1[0-9A-Z]{40,}"),
    Pattern("jwt", r"eyJ" + _T + r"{8,}\.eyJ" + _T + r"{8,}(?:\." + _T + r"*)?"),
    Pattern("bearer", r"(?i)(?:bearer|basic|token)\s+([A-Za-z0-9_\-.~+/]{16,}=*)", 1),
    Pattern("url-password", r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s:@/\"']{0,128}:([^\s@/\"']{1,256})@", 1),
    Pattern(
        "assignment",
        r"(?i)(?:password|passwd|passphrase|pwd|secret|api[_\- ]?key|access[_\- ]?key|auth[_\-]?token|access[_\-]?token"
        r"|refresh[_\-]?token|client[_\-]?secret|private[_\-]?key|authorization|[a-z]_token)"
        r"\\?[\"']?\s*[:=]\s*\\?[\"']?((?:Bearer |Basic )?[^\s\"'\\,;&<>(){}\[\]]{6,})",
        1,
    ),
)

PERSONAL = (
    Pattern(
        "email",
        r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,4}\.[A-Za-z]{2,24}",
        personal=True,
    ),
    Pattern("card", r"(?:^|[^0-9A-Za-z.])([0-9](?:[ \-]?[0-9]){12,18})", 1, luhn, personal=True),
    Pattern("iban", r"(?:^|[^0-9A-Za-z])([A-Z]{2}[0-9]{2}(?:[ \-]?[A-Z0-9]){11,30})", 1, iban, personal=True),
    Pattern(
        "phone",
        r"(?:^|[^0-9A-Za-z.+])(\+[0-9]{1,3}(?:[ .\-]?\(?[0-9]{1,4}\)?){2,5}|\([0-9]{3}\) ?[0-9]{3}[\-. ][0-9]{4}"
        r"|[0-9]{3}[\-.][0-9]{3}[\-.][0-9]{4})(?:[^0-9A-Za-z]|\z)",
        1,
        telephone,
        personal=True,
    ),
)

BASE64 = r"[A-Za-z0-9+/_\-]{24,}={0,2}"

# What any of the rows above must contain. Kept short and without long counted repetition: its automaton must stay small.
_SECRET_GATE = (
    r"PRIVATE KEY|slw_|sk-[A-Za-z0-9_\-]{8}|[sr]k_(?:live|test)|pk_(?:live|test)|whsec_"
    r"|A[KSGIRNBC][IPDOAC]A[A-Z0-9]{8}|AIza|ya29\.|GOCSPX|gh[pousr]_|github_pat"
    r"|gl(?:pat|ptt|rt|dt|soat|cbt)-|xox[abeoprs]-|xapp-|hooks\.slack|api/webhooks|:AA[A-Za-z0-9_\-]{8}|(?:SK|AC)[0-9a-f]{12}|SG\.|key-[0-9a-f]{8}"
    r"|hf_|gsk_|xai-|pplx-|r8_|pk-lf-|lsv2_|pcsk_|npm_|pypi-|dapi|do[opr]_v1|hv[sbr]\.|shp(?:at|ca|pa|ss)_|EAAA|sq0|lin_api|secret_|ntn_"
    r"|AGE-SECRET|eyJ[A-Za-z0-9_\-]{6}|://[^\s/\"']*:[^\s/\"']*@|(?i:accountkey|aws.{0,24}secret|bearer\s|basic\s+[A-Za-z0-9_\-.~+/]{8}|token\s+[A-Za-z0-9_\-.~+/])"
    r"|(?i:(?:passw(?:or)?d|passphrase|pwd|secret|key|token|authorization)\\?[\"']?\s*[:=])"
)
_BASE64_GATE = r"[A-Za-z0-9+/_\-]{24}"
_PERSONAL_GATE = (
    r"@[A-Za-z0-9\-]+\.|\+[0-9]|\([0-9]{3}\)|[0-9]{3}[\-.][0-9]{3}[\-.]"
    r"|[0-9][0-9 \-]{11}[0-9]|[A-Z]{2}[0-9]{2}[ \-]?[A-Z0-9]{4}"
)


def gate(*, secrets: bool, personal: bool, base64: bool = False) -> str:
    """The expression without which no row can match; with ``base64`` also what may hide one (any long word)."""
    return "|".join([_SECRET_GATE] * secrets + [_PERSONAL_GATE] * personal + [_BASE64_GATE] * (secrets and base64))


SENSITIVE_NAMES = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "authorization", "proxyauthorization"}
    | {"cookie", "setcookie", "xapikey", "credential", "credentials", "privatekey", "clientsecret", "accesstoken"}
    | {"refreshtoken", "authtoken", "sessiontoken", "idtoken", "bearertoken", "secretkey", "accesskey"}
    | {"connectionstring"}
)
SENSITIVE_ENDS = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secret",
    "secretkey",
    "privatekey",
    "accesstoken",
    "authtoken",
)

# Names that end in "token" and hold none: words of language models.
HARMLESS_TOKENS = frozenset(
    {
        "first",
        "last",
        "next",
        "start",
        "end",
        "stop",
        "eos",
        "bos",
        "pad",
        "unk",
        "mask",
        "sep",
        "cls",
        "special",
        "per",
        "new",
    }
)
