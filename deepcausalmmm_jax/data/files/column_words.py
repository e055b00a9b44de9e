"""Words in column names -> what a column may be."""

import re
from enum import StrEnum

from deepcausalmmm_jax.data.files.number_style import CURRENCY_CODES


class Kind(StrEnum):
    """What a column's name says about it."""

    TIME = "time"
    REGION = "region"
    KPI = "KPI"
    EXPOSURE = "exposure"
    REACH = "reach"
    FREQUENCY = "frequency"
    SPEND = "spend"
    MEDIA = "media"  # the name of a medium, without a word for exposure or spend
    CONTROL = "control"
    REVENUE = "revenue per KPI"
    POPULATION = "population"
    CALENDAR = "calendar"
    RATE = "rate"  # a price or a share of media, such as the cost per click: neither exposure nor spend
    UNKNOWN = "unknown"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS: dict[Kind, frozenset[str]] = {
    Kind.TIME: _words("week date time day ds datum weekid period weekstart month woche kalenderwoche semaine fecha"),
    Kind.REGION: _words(
        "region geo geos dma dmacode market state country city store area territory province zip postcode location "
        "bundesland gebiet filiale plz stadt région regione región provincia ciudad ville"
    ),
    Kind.POPULATION: _words("population pop inhabitants households einwohner bevölkerung haushalte población"),
    Kind.SPEND: _words(
        "spend spends spending spent cost costs budget budgets investment kosten ausgaben werbekosten werbeausgaben "
        "mediakosten spendings gasto gastos coste costes costo costos inversión inversion coût coûts cout dépense "
        "dépenses depense depenses spesa spese kostnad kostnader uitgaven custo custos"
    ),
    Kind.REACH: _words("reach reichweite"),
    Kind.FREQUENCY: _words("frequency freq frequenz"),
    Kind.EXPOSURE: _words(
        "imp imps impression impressions click clicks grp grps trp trps views exposure exposures insertions sends "
        "opens plays impressionen klicks einblendungen sichtkontakte impresiones clics impressioni "
        "vertoningen klikken"
    ),
    Kind.KPI: _words(
        "sales revenue conversions conversion kpi target orders order visits signups units outcome transactions "
        "installs leads bookings purchases subscriptions turnover gmv registrations y umsatz absatz umsätze "
        "bestellungen verkäufe ventes ventas vendite omzet conversiones"
    ),
    Kind.CONTROL: _words(
        "control controls competitor competitors competencia concorrenti concorrenza concurrence concurrents "
        "concurrent konkurrenz mitbewerber wettbewerb wettbewerber price prices prix preis preise precio "
        "precios prezzo prijs promo promos promotion promotions holiday holidays temperature weather "
        "sentiment event events distribution discount unemployment gdp inflation cpi covid stock rain season "
        "noise"
    ),
    Kind.MEDIA: _words(
        "tv search social display video radio print ooh dooh facebook google youtube email affiliate affiliates "
        "influencer ads tiktok meta instagram bing pinterest podcast podcasts cinema outdoor programmatic media "
        "channel newspaper magazines linkedin snapchat twitter amazon mailing"
    ),
    Kind.CALENDAR: _words("t dayofyear weekofyear weekno year quarter index id rownum unnamed dow"),
}
_ORDER = (  # the first kind whose word a name has; `competitor_sales` is a control, `revenue_per_order` a price
    Kind.POPULATION, Kind.CONTROL, Kind.SPEND, Kind.REACH, Kind.FREQUENCY, Kind.EXPOSURE, Kind.KPI, Kind.REGION,
    Kind.TIME, Kind.MEDIA,
)  # fmt: skip
_PER, _AVERAGE = _words("per pro par por je"), _words("avg average mean durchschnitt moyenne promedio")
_SPANS = _words("day week month quarter year period tag woche monat semaine mois semana mes")
_RATES = _words("cpc cpm cpa cpv cpl ctr roas tkp")
_BESIDE = _words("media amount net gross eur usd gbp chf sek nok dkk pln jpy")  # of measures, no channels
OTHER_TIME = _words("plan planned last previous prior year ly forecast")  # spend that is not this week's
_BOUGHT = _words("order purchase sale conversion conv transaction")
_SAME_STEM = 5  # letters: visit and visitor, subscription and subscriber
_MONEY = _words("revenue turnover gmv umsatz omzet")
_SUMS = _words("total all overall sum gesamt insgesamt summe totale totales totaux totaal totalt suma somme")
_TOTALS = _SUMS | _words("marketing advertising ad ads media paid")
_WHOLE = {  # words that mean something else inside longer names, such as brand_kw
    **dict.fromkeys(("kw", "mes", "mois", "monat", "semana"), Kind.TIME),
    **dict.fromkeys(("land", "markt", "pays"), Kind.REGION),
}
_NUMBERED = ((re.compile(r"[xm]\d+"), Kind.MEDIA), (re.compile(r"[cez]\d+"), Kind.CONTROL))
_SCALES = (  # of amounts: spend (000s), tv_spend_thousands, Umsatz (Mio.)
    ("thousands", re.compile(r"(?<!\d)000'?s?(?![a-z\d])|(?<![a-z])(?:thousands?|tsd)(?![a-z])|\(\W*k\W*\)")),
    ("millions", re.compile(r"(?<![a-z])(?:millions?|mio|mn)(?![a-z])|\(\W*mm?\W*\)")),
)
_CURRENCIES = frozenset(code.lower() for code in CURRENCY_CODES)
_ROBYN = {"S": Kind.SPEND, "I": Kind.EXPOSURE, "P": Kind.EXPOSURE, "B": Kind.CONTROL}


def words_of(name: str) -> tuple[str, ...]:
    """Words of a column's name in lower case: `TVImpressions_01` has `tv`, `impressions`, `01`."""
    parts = re.findall(r"[A-Za-z]\d+(?![a-z])|[A-Z]+(?![a-zà-öø-ÿ])|[A-Z]?[a-zà-öø-ÿ]+|\d+", name)
    return tuple(part.lower() for part in parts)


def kind_of(name: str) -> Kind:
    """What a column's name says, by the words that media data use."""
    words = set(words_of(name))
    if "per" in words and words & {"revenue", "value", "margin", "profit"}:
        return Kind.REVENUE
    if _is_rate(words_of(name)):
        return Kind.RATE
    bare = re.sub(r"[\W_]", "", name.lower())
    if not bare or bare in _WORDS[Kind.CALENDAR] or "unnamed" in words:
        return Kind.CALENDAR
    if bare in _WHOLE:
        return _WHOLE[bare]
    if name.lower().startswith("c_"):
        return Kind.CONTROL
    paid = words & (_WORDS[Kind.MEDIA] | {"ad", "banner", "banners", "listing", "listings", "sponsored"})
    if words & {"page", "site", "website", "product"} and "views" in words and not paid:
        return Kind.UNKNOWN  # what visitors do, not what they are shown
    if words & (_BESIDE - {"media"}) and words & _WORDS[Kind.MEDIA] and not words & _WORDS[Kind.EXPOSURE]:
        return Kind.SPEND  # tv_net, google_eur
    for kind in _ORDER:
        if words & _WORDS[kind] or bare in _WORDS[kind]:
            return kind
    first = words_of(name)[0] if words else ""
    return next((kind for pattern, kind in _NUMBERED if pattern.fullmatch(first)), Kind.UNKNOWN)


def is_value_of(name: str, kpi: str) -> bool:
    """Whether a column such as `revenue_per_order` values a unit of the KPI, `orders`; money has no such value."""
    words = words_of(name)
    unit = words[words.index("per") + 1 :] if "per" in words else ()
    counted = words_of(kpi)
    if set(unit) & {"kpi", "outcome", "target"}:
        return True
    if set(counted) & _MONEY and not set(counted) & {"unit", "units"}:
        return False
    if set(unit) & {"unit", "piece", "item"} or set(counted) & {"kpi", "y", "target", "outcome"}:
        return True
    return any(_is_same_thing(one, other) for one in (*unit, "".join(unit)) for other in (*counted, "".join(counted)))


def _is_same_thing(one: str, other: str) -> bool:
    """Whether two words name the same event: orders and order, deliveries and delivery, visit and visitor."""
    one, other = (re.sub(r"ies$", "y", word).rstrip("s") for word in (one, other))
    if one in _BOUGHT and other in _BOUGHT:
        return True
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return bool(one) and (one == other or same >= _SAME_STEM)


def is_of_all_channels(name: str) -> bool:
    """Whether a column of spend is named as that of all channels together."""
    return set(stem_of(name)) <= _TOTALS


def says_total(name: str) -> bool:
    """Whether a name has a word for the sum of all, and not only for advertising as such."""
    return bool(_SUMS & set(words_of(name)))


def _is_rate(words: tuple[str, ...]) -> bool:
    """Whether words name a price or share of media, such as cpm, the cost per click or the average spend."""
    measures = _WORDS[Kind.SPEND] | _WORDS[Kind.EXPOSURE]
    if not measures & set(words):
        return bool(_RATES & set(words))
    at = next((at for at, word in enumerate(words) if word in _PER), len(words))
    if set(words[at + 1 : at + 2]) & _SPANS:
        return False
    return (at < len(words) and bool(measures & set(words[:at]))) or words[0] in _AVERAGE


def robyn_kind(name: str) -> Kind | None:
    """What a suffix of Robyn's layout says: `_S` spend, `_I` and `_P` exposure, `_B` a control; None without one."""
    stem, _, suffix = name.rpartition("_")
    return _ROBYN.get(suffix) if stem else None


def scale_of(name: str) -> str:
    """The unit of amounts that a name states, `thousands` or `millions`; empty where it states none."""
    return next((told for told, pattern in _SCALES if pattern.search(name.lower())), "")


def currency_of(name: str) -> str:
    """The currency that a name states, such as `eur`; empty where it states none or several."""
    told = set(words_of(name)) & _CURRENCIES
    return told.pop() if len(told) == 1 else ""


def stem_of(name: str) -> tuple[str, ...]:
    """Words that name the channel: those of a column's name without the words for exposure and spend."""
    measures = _WORDS[Kind.EXPOSURE] | _WORDS[Kind.SPEND] | _WORDS[Kind.REACH] | _WORDS[Kind.FREQUENCY] | _BESIDE
    base = name.rpartition("_")[0] if robyn_kind(name) is not None else name
    if scale_of(name):
        base = next(pattern for told, pattern in _SCALES if told == scale_of(name)).sub(" ", base.lower())
    return tuple(word for word in words_of(base) if word not in measures)
