"""The words of time in three languages, as patterns that when.py reads. Every text is in lower case, its numbers in digits.

Start in `DAYS`: each language lists patterns from the longest to the shortest, with what a match means.
"""

from __future__ import annotations

import re

WEEKDAYS: dict[str, list[str]] = {
    "en": [
        *("mon(?:day)?s?", "tue(?:s|sday)?s?", "wed(?:nesday)?s?", "thu(?:r|rs|rsday)?s?", "fri(?:day)?s?"),
        *("sat(?:urday)?s?", "sun(?:day)?s?"),
    ],
    "fr": ["lundis?", "mardis?", "mercredis?", "jeudis?", "vendredis?", "samedis?", "dimanches?"],
    "ja": [f"{day}曜日?" for day in "月火水木金土日"],
}
MONTHS: dict[str, list[str]] = {
    "en": [
        *("jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?", "aug(?:ust)?"),
        *("sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?"),
    ],
    "fr": [
        *("janvier", "février|fevrier", "mars", "avril", "mai", "juin", "juillet", "août|aout", "septembre"),
        *("octobre", "novembre", "décembre|decembre"),
    ],
    "ja": [f"{month}月" for month in range(1, 13)],
}
HOLIDAYS: list[tuple[str, str]] = [
    (r"christmas eve|réveillon de noël|veille de noël|クリスマス・?イブ", "12-24"),
    (r"new year'?s eve|saint[- ]sylvestre|réveillon|大晦日", "12-31"),
    (r"boxing day", "12-26"),
    (r"christmas(?: day)?|xmas|noël|クリスマス", "12-25"),
    (r"new year'?s?(?: day)?|(?:le )?(?:jour|nouvel) (?:de l')?an|元日|元旦|お正月", "01-01"),
    (r"valentine'?s?(?: day)?|la saint[- ]valentin|saint[- ]valentin|バレンタインデー?", "02-14"),
    (r"saint patrick'?s?(?: day)?|st\.? patrick'?s?(?: day)?", "03-17"),
    (r"halloween|ハロウィン", "10-31"),
    (r"independence day|fourth of july|4th of july", "07-04"),
    (r"bastille day|fête nationale", "07-14"),
    (r"la toussaint|toussaint", "11-01"),
    (r"armistice(?: day)?|veterans day", "11-11"),
    (r"assomption", "08-15"),
    (r"fête du travail|may day", "05-01"),
    (r"thanksgiving(?: day)?", "thanksgiving"),
    (r"mardi gras|shrove tuesday", "easter-47"),
    (r"good friday|vendredi saint", "easter-2"),
    (r"easter monday|lundi de pâques", "easter+1"),
    (r"easter(?: sunday)?|pâques|イースター|復活祭", "easter+0"),
    (r"l'ascension|ascension(?: day)?", "easter+39"),
    (r"pentecôte|pentecost|whit sunday", "easter+49"),
    (r"mother'?s day|母の日", "2nd-sunday-05"),
    (r"father'?s day|父の日", "3rd-sunday-06"),
]
"""A fixed day, days from Easter, or a rule that when.py knows by name."""

# What a match means: days from today, or (unit, how many units on, part of it).
DAYS: dict[str, list[tuple[str, str]]] = {
    "en": [
        (r"(?:the )?day after tomorrow", "day+2"),
        (r"(?:the )?day before yesterday", "day-2"),
        (r"tomorrow(?:'s)?|tmrw|tomorow|tommorow", "day+1"),
        (r"yesterday(?:'s)?", "day-1"),
        (r"today(?:'s)?|tonight|this (?:morning|afternoon|evening|night)", "day+0"),
        (r"next weekend", "weekend+1"),
        (r"(?:this |the |coming )*weekend", "weekend+0"),
        (r"(?:next|coming|upcoming|following) week(?:'s)?", "week+1"),
        (r"last week(?:'s)?", "week-1"),
        (r"(?:(?:this|the|current|rest of the|whole) )?week(?:'s)?", "week+0"),
        (r"(?:next|coming|following) month(?:'s)?", "month+1"),
        (r"last month(?:'s)?", "month-1"),
        (r"(?:(?:this|the|current|rest of the) )?month(?:'s)?", "month+0"),
        (r"(?:next|coming|following) year", "year+1"),
        (r"(?:this|the|current) year", "year+0"),
        (r"last year", "year-1"),
        (r"^\s*(?:by )?(?:the )?(?:rest of |end of )?(?:the )?day\s*$", "day+0"),
    ],
    "fr": [
        (r"après[- ]demain|apres[- ]demain", "day+2"),
        (r"avant[- ]hier", "day-2"),
        (r"demain", "day+1"),
        (r"hier", "day-1"),
        (r"aujourd'? ?hui|ce (?:soir|matin|midi)|cet après[- ]midi|cette (?:nuit|après[- ]midi)", "day+0"),
        (r"(?:le )?week[- ]?end prochain|prochain week[- ]?end", "weekend+1"),
        (r"(?:ce |le )?week[- ]?end", "weekend+0"),
        (r"(?:la )?semaine prochaine|prochaine semaine", "week+1"),
        (r"cette semaine", "week+0"),
        (r"(?:la )?semaine dernière", "week-1"),
        (r"(?:le )?mois prochain|prochain mois", "month+1"),
        (r"ce mois(?:[- ]ci)?", "month+0"),
        (r"(?:le )?mois dernier", "month-1"),
        (r"(?:l')?an(?:née)? prochaine?|prochaine année", "year+1"),
        (r"cette année", "year+0"),
        (r"(?:l')?an(?:née)? derni(?:er|ère)", "year-1"),
    ],
    "ja": [
        (r"明々後日|しあさって", "day+3"),
        (r"明後日|あさって", "day+2"),
        (r"一昨日|おととい", "day-2"),
        (r"明日|あした|あす|明朝|明晩", "day+1"),
        (r"昨日|きのう", "day-1"),
        (r"今日|きょう|本日|今夜|今晩|今朝", "day+0"),
        (r"来週末|来週の週末", "weekend+1"),
        (r"今週末|週末", "weekend+0"),
        (r"再来週", "week+2"),
        (r"来週", "week+1"),
        (r"今週", "week+0"),
        (r"先週", "week-1"),
        (r"再来月", "month+2"),
        (r"来月", "month+1"),
        (r"今月", "month+0"),
        (r"先月", "month-1"),
        (r"来年", "year+1"),
        (r"今年", "year+0"),
        (r"去年|昨年", "year-1"),
    ],
}

# Parts of the day: the hours they span, and the hour an appointment begins at when no other is said.
PARTS: list[tuple[str, tuple[int, int, int]]] = [
    (r"breakfast|petit[- ]déjeuner|朝食|朝ごはん", (6, 10, 8)),
    (r"\b(?:brunch|elevenses)\b", (10, 13, 11)),
    (r"\btea(?: ?time)?\b|goûter|おやつ", (15, 18, 16)),
    (r"dinner(?: ?time)?|supper|dîner|夕食|晩ごはん", (17, 23, 19)),
    (r"sunrise|dawn|lever du (?:soleil|jour)|aube|日の出|夜明け", (5, 9, 7)),
    (r"sunset|dusk|coucher du soleil|crépuscule|日没|日の入り", (16, 22, 18)),
    (r"early (?:in the )?morning|早朝|tôt le matin", (5, 9, 6)),
    (r"after[- ]?noon|après[- ]midi|apres[- ]midi|午後|昼過ぎ", (12, 18, 14)),
    (r"morning|matin(?:ée)?|午前|朝", (5, 12, 8)),
    (r"lunch ?time|lunch|heure du déjeuner|お?昼(?:休み)?", (11, 15, 12)),
    (r"evening|soir(?:ée)?|夕方|夕", (17, 24, 19)),
    (r"tonight|night|nuit|今夜|今晩|明晩|晩|夜", (18, 30, 21)),
]
_AM = r"(?P<am>a\.? ?m\.?(?![a-z])|in the morning|du matin|午前)"
_PM = r"(?P<pm>p\.? ?m\.?(?![a-z])|in the (?:after ?noon|evening)|at night|de l'après[- ]midi|du soir|午後)"
MERIDIEM = rf"(?:\s*(?:{_AM}|{_PM}))?"

TIMES: dict[str, list[str]] = {
    "en": [
        rf"(?P<fraction>half|(?:a )?quarter|5|10|20|25|\d+ minutes?) (?P<side>past|after|to|before|till) (?P<h>\d{{1,2}})"
        rf"(?![\d:]){MERIDIEM}",
        rf"(?<![\d:.])(?P<h>[01]?\d|2[0-4])[:.h](?P<m>[0-5]\d)(?![\d.]){MERIDIEM}",
        rf"(?<![\d:.])(?P<h>[01]?\d|2[0-3]) (?:o|oh|0) ?(?P<m>\d)(?!\d){MERIDIEM}",
        rf"(?<![\d:.])(?P<h>[01]?\d|2[0-3]) (?P<m>[0-5]\d)(?!\d| (?:minutes?|hours?|days?)){MERIDIEM}",
        rf"(?<!\d)(?P<h>1?\d|2[0-3])(?P<m>[0-5]\d)(?= ?(?:a\.? ?m|p\.? ?m|hours|$)){MERIDIEM}",
        rf"(?<![\d:.])(?P<h>\d{{1,2}})(?: o'? ?clock)?(?=\s*(?:a\.? ?m|p\.? ?m|in the (?:m|a|e)|at night)){MERIDIEM}",
        r"(?<![\d:.])(?P<h>\d{1,2}) o'? ?clock",
        r"(?P<noon>noon|midday)|(?P<midnight>midnight)",
        r"(?:\bat|\bby|\baround|\babout|\bfor|\bfrom|@) ?(?P<h>[01]?\d|2[0-3])(?![\d:/.-]|st\b|nd\b|rd\b|th\b)",
    ],
    "fr": [
        rf"(?<![\d:])(?P<h>[01]?\d|2[0-4])\s*(?:h|heures?)\s*(?P<side>moins)\s*(?:le )?(?P<fraction>quart|\d{{1,2}}){MERIDIEM}",
        rf"(?<![\d:])(?P<h>[01]?\d|2[0-4])\s*(?:h|heures?)\s*(?:et )?(?P<fraction>demie?|quart|trois quarts){MERIDIEM}",
        rf"(?<![\d:])(?P<h>[01]?\d|2[0-4])\s*(?:h|heures?|:)\s*(?P<m>[0-5]?\d)(?!\d){MERIDIEM}",
        rf"(?<![\d:])(?P<h>[01]?\d|2[0-4])\s*(?:h|heures?)\b(?: pile)?{MERIDIEM}",
        r"(?P<noon>(?<!après-)(?<!après )\bmidi)(?: et (?P<fraction>demie?|quart)| (?P<m>[0-5]\d))?",
        r"(?P<midnight>minuit)(?: et (?P<fraction>demie?|quart)| (?P<m>[0-5]\d))?",
        rf"(?<![\d:])(?P<h>\d{{1,2}})(?=\s*(?:du (?:matin|soir)|de l'après|[ap]m\b)){MERIDIEM}",
        r"(?:\bà|\bvers|\bpour) ?(?P<h>[01]?\d|2[0-3])(?![\d:/.-])",
    ],
    "ja": [
        r"(?P<am>午前|朝)?の?(?P<pm>午後|夜|夕方|晩)?の?(?P<h>\d{1,2})時(?P<fraction>半)?(?:(?P<m>\d{1,2})分)?(?P<side>前)?(?!間)",
        r"(?P<am>午前)?(?P<pm>午後)?の?(?<![\d:])(?P<h>[01]?\d|2[0-4])[:：](?P<m>[0-5]\d)(?!\d)",
        r"(?P<noon>正午)|(?P<midnight>真夜中|午前0時|深夜0時)",
    ],
}
FRACTIONS = {"half": 30, "quarter": 15, "demi": 30, "demie": 30, "quart": 15, "trois quarts": 45, "半": 30}

_EN_DAY = "|".join(f"(?:{day})" for day in WEEKDAYS["en"])
_FR_DAY = "|".join(f"(?:{day})" for day in WEEKDAYS["fr"])
_JA_DAY = "|".join(f"(?:{day})" for day in WEEKDAYS["ja"])
WORKDAYS, ENDDAYS = "MO,TU,WE,TH,FR", "SA,SU"
REPEATS: dict[str, list[tuple[str, str]]] = {
    "en": [
        (
            r"(?:every |each |on )*(?:week ?days|working days?|work days?)|(?:every|each) week ?day",
            f"WEEKLY;BYDAY={WORKDAYS}",
        ),
        (r"(?:every|each) weekend|(?:on )?weekends", f"WEEKLY;BYDAY={ENDDAYS}"),
        (r"(?:every|each) other day", "DAILY;INTERVAL=2"),
        (r"(?:every|each) other week", "WEEKLY;INTERVAL=2"),
        (rf"(?:every|each) (?P<days>(?:{_EN_DAY})(?:(?:,| and|, and)? (?:{_EN_DAY}))*)\b", "WEEKLY"),
        (r"on (?P<days>(?:mon|tues|wednes|thurs|fri|satur|sun)days)\b", "WEEKLY"),
        (r"(?:every|each) (?:single )?day|daily|everyday|7 days (?:a|1) week", "DAILY"),
        (r"(?:every|each) (?=morning|afternoon|evening|night)", "DAILY"),
        (r"(?:every|each) week|weekly", "WEEKLY"),
        (r"(?:every|each) month|monthly", "MONTHLY"),
        (r"(?:every|each) year|yearly|annually", "YEARLY"),
    ],
    "fr": [
        (r"(?:chaque jour|tous les jours) (?:de la semaine|ouvrés?|ouvrables?)|en semaine", f"WEEKLY;BYDAY={WORKDAYS}"),
        (r"(?:tous les|chaque|les) week[- ]?ends?", f"WEEKLY;BYDAY={ENDDAYS}"),
        (r"(?:tous les 2|un) jours?(?: sur 2)?", "DAILY;INTERVAL=2"),
        (r"toutes les 2 semaines", "WEEKLY;INTERVAL=2"),
        (rf"(?:tous les|chaque|les) (?P<days>(?:{_FR_DAY})(?:(?:,| et)(?: les)? (?:{_FR_DAY}))*)\b", "WEEKLY"),
        (r"tous les (?=matins?|soirs?|après)|toutes les (?=nuits?)|chaque (?=matin|soir|nuit|après)", "DAILY"),
        (r"tous les jours|chaque jour|quotidien(?:nement)?", "DAILY"),
        (r"toutes les semaines|chaque semaine", "WEEKLY"),
        (r"tous les mois|chaque mois", "MONTHLY"),
        (r"tous les ans|chaque année|toutes les années", "YEARLY"),
    ],
    "ja": [
        (r"平日(?:は?毎日|の毎日)?", f"WEEKLY;BYDAY={WORKDAYS}"),
        (r"毎週末", f"WEEKLY;BYDAY={ENDDAYS}"),
        (r"隔週の?", "WEEKLY;INTERVAL=2"),
        (rf"毎週の?(?P<days>(?:{_JA_DAY})(?:[とや、・](?:{_JA_DAY}))*)", "WEEKLY"),
        (r"毎日|毎(?=朝|晩|夜|夕)", "DAILY"),
        (r"毎週", "WEEKLY"),
        (r"毎月", "MONTHLY"),
        (r"毎年", "YEARLY"),
    ],
}

UNITS: list[tuple[str, str]] = [
    ("seconds", r"seconds?|secs?|secondes?|秒間?"),
    ("minutes", r"minutes?|mins?|分間?"),
    ("hours", r"hours?|hrs?|heures?|h\b|時間"),
    ("days", r"days?|jours?|日間?"),
    ("weeks", r"weeks?|semaines?|週間?"),
    ("months", r"months?|mois|[かヶケカ箇]月間?"),
    ("years", r"years?|ans?\b|années?|年間?"),
]
UNIT = "|".join(f"(?P<{name}>{pattern})" for name, pattern in UNITS)
NOTHING_ELSE = re.compile(
    r"(?:[^\w]|\d|\b(?:at|for|by|around|about|the|on|in|an?|alarm|exactly|à|a|pour|vers|le)\b|[にのへでを])*"
)
"""What may stand beside a number that is the hour: "the day of reckoning 3" is none."""
MORE = r"(?:(?:more|extra|other|autres) )?"
LATER: dict[str, str] = {
    "en": r"\bin\b|from now|\bafter\b|\blater\b|\bwithin\b",
    "fr": r"\bdans\b|d'ici\b",
    "ja": r"(?<!午)後|あと",
}
AGO: dict[str, str] = {"en": r"\bago\b", "fr": r"il y a", "ja": r"(?<!午)(?<!\d時\d分)(?<!\d時\d\d分)前"}
NEXT = {
    "en": r"\b(?:next|coming|following) (?=\d)",
    "fr": r"\bprochaine?s\b",
    "ja": r"今後|これから",
}
SEASONS = {
    "en": ["spring", "summer", "autumn|fall", "winter"],
    "fr": ["printemps", "été", "automne", "hiver"],
    "ja": ["春", "夏", "秋", "冬"],
}
RANGE = {
    "en": r"(?:from|between) (.+?) (?:to|and|until|till) (.+)|^\s*(\d\S*) to (\d\S*(?: ?[ap]m)?)\s*$",
    "fr": r"\b(?:de|entre|depuis) (.+?) (?:à|et|jusqu'à) (.+)",
    "ja": r"(.+?)から(.+)まで",
}
HALVES: dict[str, str] = {"en": r"\s*and a half", "fr": r"\s*et demie?", "ja": r"半"}
SINGLE = {
    "en": [(r"\bhalf an? hour\b", "30 minutes"), (r"\bquarter of an hour\b", "15 minutes")],
    "fr": [
        (r"\b(?:trois|3) quarts d'heure\b", "45 minutes"),
        (r"\b(?:une )?demi[- ]heure\b", "30 minutes"),
        (r"\b(?:un )?quart d'heure\b", "15 minutes"),
    ],
    "ja": [(r"半時間", "30分")],
}
_FIRST = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
_REST = "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
ORDINALS = {word: at for at, word in enumerate(f"{_FIRST} {_REST}".split(), 1)} | {"thirtieth": 30}
ORDINAL = re.compile(rf"\b(?:(?P<ten>twenty|thirty)[- ])?(?P<one>{'|'.join(ORDINALS)})\b")
NTH = {
    "en": rf"(?P<nth>\d(?:st|nd|rd|th)|second|last) (?:{_EN_DAY}) (?:of|in) (?:(?:the|this|next|last) )?\w+",
    "fr": rf"(?P<nth>\d(?:er|e|ème)?|deuxième|dernier) (?:{_FR_DAY}) (?:du|de|d') ?(?:mois prochain|mois|\w+)",
    "ja": rf"(?:(?:\d{{1,2}}|今|来|先)月の?)?(?P<nth>第\d|最後の)(?:{_JA_DAY})",
}
