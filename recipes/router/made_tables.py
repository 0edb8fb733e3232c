"""Tables that nobody keeps, with questions whose queries are known, in English, German and French.

They are of the kinds that a small firm or club has: orders, staff, stock, readings, bookings, invoices, members, courses,
vehicles, trees. Names are invented (`invented.py`); words and numbers are drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import invented

from r1router.table import TableBlock
from r1router.tables.names import quote_name, quote_text
from r1router.tables.view import write_number

Words = tuple[str, str, str]
"""The same in English, German and French."""
LANGUAGES = ("en", "de", "fr")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTHS_IN = {
    "en": MONTHS,
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
           "Dezember"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
           "décembre"),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    kind: str
    """key, name, sort, number, money, date or year."""
    names: tuple[Words, ...]
    """What it may be called."""
    draw: Callable[[random.Random], str]
    asks: tuple[Words, ...] = ()
    """How a question says that a row has a value `{v}` of it."""


@dataclass(frozen=True)
class Domain:
    titles: tuple[Words, ...]
    rows: Words
    """What its rows are, in the plural."""
    columns: tuple[Column, ...]


def _of(*values: str) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice(values)


def _some(kind: str, count: int) -> Callable[[random.Random], str]:
    """One of a few invented names, which are the same within a table: they are drawn from the table's own seed."""
    return lambda rng: f"~{kind}{rng.randrange(count)}"


def _number(low: int, high: int, places: int = 0) -> Callable[[random.Random], str]:
    return lambda rng: f"{rng.uniform(low, high):.{places}f}" if places else str(rng.randint(low, high))


def _day(rng: random.Random) -> str:
    return (date(2023, 1, 1) + timedelta(days=rng.randrange(1000))).isoformat()


def words(text: str) -> Words:
    """ "a | b | c" as three words, or one for all."""
    parts = [part.strip() for part in text.split("|")]
    return (parts[0], parts[-2] if len(parts) > 2 else parts[0], parts[-1])


def column(kind: str, names: str, draw: Callable[[random.Random], str], *asks: str) -> Column:
    return Column(kind, tuple(words(one) for one in names.split(";")), draw, tuple(words(one) for one in asks))


COUNTRY = column(
    "sort", "Country | Land | Pays", _of("Norway", "Ireland", "Sweden", "Poland", "Austria", "Spain", "Latvia"),
    "from {v} | aus {v} | de {v}", "in {v} | in {v} | en {v}",
)  # fmt: skip
CITY = column(
    "sort",
    "City | Stadt | Ville; Place | Ort | Lieu",
    _some("city", 5),
    "in {v} | in {v} | à {v}",
    "from {v} | aus {v} | de {v}",
)
PERSON = column(
    "sort",
    "Handled by; Person | Zuständig | Responsable; Ordered by | Besteller | Demandeur",
    _some("person", 5),
    "by {v} | von {v} | de {v}",
    "with {v} | bei {v} | chez {v}",
)
DATE = column("date", "Date | Datum | Date; Day | Tag | Jour; Received | Eingang | Reçu", _day)
STATUS = column(
    "sort",
    "Status | Status | Statut; State | Zustand | État",
    _of("open", "paid", "late", "sent back", "ready"),
    "that are {v} | mit dem Status {v} | avec le statut {v}",
    "marked {v} | als {v} gekennzeichnet | marqués {v}",
)
PRICE = column(
    "money",
    "Price | Preis | Prix; Unit price | Stückpreis | Prix unitaire; Price (€) | Preis (€) | Prix (€)",
    _number(2, 400, 2),
)
AMOUNT = column(
    "money",
    "Amount | Betrag | Montant; Total | Summe | Total; Amount (€) | Betrag (€) | Montant (€)",
    _number(10, 3000, 2),
)
QUANTITY = column(
    "number", "Quantity | Menge | Quantité; Pieces | Stück | Pièces; Count | Anzahl | Nombre", _number(1, 60)
)
NOTE = column("note", "Note | Bemerkung | Remarque", _of("", "", "", "call back", "see letter", "spare key", "by post"))

DOMAINS = (
    Domain(
        (words("Orders 2024 | Bestellungen 2024 | Commandes 2024"), words("Order book | Auftragsbuch | Carnet de commandes")),
        words("orders | Bestellungen | commandes"),
        (
            column("key", "Order | Bestellung | Commande; No. | Nr. | N°", lambda rng: f"B-{rng.randrange(1000, 9999)}"),
            column("sort", "Customer | Kunde | Client", _some("company", 6), "from {v} | von {v} | de {v}", "by {v} | von {v} | de {v}"),
            COUNTRY, DATE, QUANTITY, PRICE, STATUS,
            column("sort", "Article | Artikel | Article; Item | Artikel | Article", _some("thing", 7), "for {v} | über {v} | pour {v}", "of {v} | für {v} | de {v}"),
        ),
    ),
    Domain(
        (words("Staff | Personal | Personnel"), words("Staff list March | Mitarbeiterliste | Liste du personnel")),
        words("people | Personen | personnes"),
        (
            column("name", "Name | Name | Nom", lambda rng: invented.name("person", rng)),
            column("sort", "Department | Abteilung | Service", _of("Kitchen", "Office", "Workshop", "Night shift", "Laundry"), "in the department {v} | in der Abteilung {v} | dans le service {v}", "from {v} | aus {v} | de {v}"),
            column("number", "Hours per week | Wochenstunden | Heures par semaine; Hours | Stunden | Heures", _number(10, 42)),
            column("year", "Since | Seit | Depuis; Hired | Eingestellt | Embauche", _number(1996, 2025)),
            column("number", "Room | Zimmer | Bureau", _number(1, 40)),
            column("sort", "Language | Sprache | Langue", _of("Finnish", "Polish", "Arabic", "Turkish", "Greek"), "who speak {v} | mit der Sprache {v} | qui parlent {v}", "with {v} | mit {v} | avec {v}"),
            column("number", "Extension | Durchwahl | Poste", _number(100, 899)),
        ),
    ),
    Domain(
        (words("Stock count June | Lagerbestand Juni | Inventaire de juin"), words("Parts | Teile | Pièces")),
        words("parts | Teile | pièces"),
        (
            column("name", "Part | Teil | Pièce; Article | Artikel | Article", lambda rng: invented.name("thing", rng) + " " + str(rng.randrange(2, 90))),
            column("sort", "Category | Kategorie | Catégorie; Group | Gruppe | Groupe", _of("pump", "valve", "lamp", "cable", "filter", "belt"), "of the category {v} | der Kategorie {v} | de la catégorie {v}", "in the group {v} | in der Gruppe {v} | du groupe {v}"),
            column("sort", "Supplier | Lieferant | Fournisseur", _some("company", 4), "from {v} | von {v} | de {v}", "supplied by {v} | geliefert von {v} | fournies par {v}"),
            column("number", "Stock | Bestand | Stock; On hand | Vorrat | Réserve", _number(0, 250)),
            column("number", "Minimum | Mindestbestand | Minimum", _number(1, 40)),
            PRICE,
            column("sort", "Shelf | Regal | Étagère", _of("A1", "A2", "B1", "C4", "D2"), "on shelf {v} | in Regal {v} | sur l'étagère {v}"),
            column("number", "Power (kW) | Leistung (kW) | Puissance (kW); Weight (kg) | Gewicht (kg) | Poids (kg)", _number(1, 30, 1)),
        ),
    ),
    Domain(
        (words("Readings | Messwerte | Relevés"), words("Cellar log | Kellerprotokoll | Journal de la cave")),
        words("readings | Messungen | relevés"),
        (
            DATE,
            column("sort", "Sensor | Fühler | Capteur; Station | Messstelle | Station", _of("north", "south", "roof", "cellar", "yard"), "of the sensor {v} | des Fühlers {v} | du capteur {v}", "from {v} | von {v} | de {v}"),
            column("number", "Temperature (°C) | Temperatur (°C) | Température (°C); Temperature | Temperatur | Température", _number(-8, 34, 1)),
            column("number", "Humidity (%) | Feuchte (%) | Humidité (%)", _number(20, 98)),
            column("number", "Pressure (hPa) | Druck (hPa) | Pression (hPa)", _number(960, 1040)),
            column("sort", "Read by | Abgelesen von | Relevé par", _some("person", 3), "by {v} | von {v} | par {v}"),
            NOTE,
        ),
    ),
    Domain(
        (words("Bookings | Buchungen | Réservations"), words("Hall bookings 2024 | Hallenbelegung 2024 | Réservations de la salle")),
        words("bookings | Buchungen | réservations"),
        (
            DATE,
            column("sort", "Club | Verein | Club; Guest | Gast | Client", _some("club", 5), "of {v} | von {v} | de {v}", "by {v} | durch {v} | par {v}"),
            column("sort", "Hall | Saal | Salle; Room | Raum | Pièce", _of("Large hall", "Gym", "Attic", "Garden room"), "in the room {v} | im Raum {v} | dans la salle {v}", "for {v} | für {v} | pour {v}"),
            column("number", "Persons | Personen | Personnes; Guests | Gäste | Invités", _number(4, 180)),
            column("number", "Hours | Stunden | Heures", _number(1, 12)),
            column("money", "Fee (€) | Gebühr (€) | Tarif (€); Fee | Gebühr | Tarif", _number(15, 420)),
        ),
    ),
    Domain(
        (words("Invoices | Rechnungen | Factures"), words("Open items | Offene Posten | Postes ouverts")),
        words("invoices | Rechnungen | factures"),
        (
            column("key", "Invoice | Rechnung | Facture; No. | Nr. | N°", lambda rng: f"{rng.randrange(2022, 2026)}/{rng.randrange(100, 999)}"),
            column("sort", "Customer | Kunde | Client; Debtor | Schuldner | Débiteur", _some("company", 6), "to {v} | an {v} | à {v}", "of {v} | von {v} | de {v}"),
            DATE, AMOUNT, STATUS,
            column("number", "Days late | Tage Verzug | Jours de retard", _number(0, 90)),
        ),
    ),
    Domain(
        (words("Members | Mitglieder | Membres"), words("Rowing club members | Mitglieder Ruderverein | Membres du club")),
        words("members | Mitglieder | membres"),
        (
            column("name", "Name | Name | Nom; Member | Mitglied | Membre", lambda rng: invented.name("person", rng)),
            column("year", "Born | Geboren | Né en; Joined | Eintritt | Adhésion", _number(1940, 2012)),
            CITY,
            column("sort", "Team | Mannschaft | Équipe; Section | Sparte | Section", _of("Youth", "Seniors", "Veterans", "Fours", "Board"), "in the team {v} | in der Mannschaft {v} | dans l'équipe {v}", "of {v} | der {v} | de {v}"),
            column("money", "Fee | Beitrag | Cotisation; Fee (€) | Beitrag (€) | Cotisation (€)", _number(20, 240)),
            column("number", "Races won | Siege | Victoires; Wins | Siege | Victoires", _number(0, 25)),
        ),
    ),
    Domain(
        (words("Courses | Kurse | Cours"), words("Autumn programme | Herbstprogramm | Programme d'automne")),
        words("courses | Kurse | cours"),
        (
            column("name", "Course | Kurs | Cours; Title | Titel | Titre", lambda rng: f"{invented.word(rng)} {rng.choice(('I', 'II', 'basics', 'evening', 'lab'))}"),
            column("sort", "Teacher | Lehrkraft | Enseignant", _some("person", 5), "by {v} | von {v} | de {v}", "taught by {v} | gegeben von {v} | donnés par {v}"),
            column("sort", "Day | Tag | Jour; Weekday | Wochentag | Jour", _of("Monday", "Tuesday", "Wednesday", "Thursday", "Saturday"), "on {v} | am {v} | le {v}"),
            column("number", "Places | Plätze | Places; Seats | Plätze | Places", _number(6, 40)),
            column("number", "Enrolled | Angemeldet | Inscrits", _number(0, 40)),
            column("money", "Fee (€) | Kosten (€) | Prix (€)", _number(20, 350)),
            column("date", "Starts | Beginn | Début; First day | Erster Tag | Premier jour", _day),
        ),
    ),
    Domain(
        (words("Vehicles | Fahrzeuge | Véhicules"), words("Fleet | Fuhrpark | Parc automobile")),
        words("vehicles | Fahrzeuge | véhicules"),
        (
            column("key", "Plate | Kennzeichen | Plaque; Number | Nummer | Numéro", lambda rng: f"{rng.choice('KLMPRT')}{rng.choice('ABDEG')} {rng.randrange(100, 999)}"),
            column("sort", "Make | Marke | Marque", _some("company", 4), "of the make {v} | der Marke {v} | de la marque {v}", "from {v} | von {v} | de {v}"),
            column("sort", "Type | Art | Type; Kind | Art | Genre", _of("van", "truck", "trailer", "e-bike", "tractor"), "of the type {v} | der Art {v} | du type {v}", "that are a {v} | vom Typ {v} | de type {v}"),
            column("year", "Year | Baujahr | Année; Built | Baujahr | Construit", _number(1998, 2025)),
            column("number", "Mileage (km) | Kilometerstand | Kilométrage; Distance (km) | Strecke (km) | Distance (km)", lambda rng: f"{rng.randrange(900, 240000):,}"),
            column("number", "Seats | Sitze | Places", _number(1, 9)),
            column("money", "Repairs (€) | Reparaturen (€) | Réparations (€)", _number(0, 4000, 2)),
        ),
    ),
    Domain(
        (words("Trees | Bäume | Arbres"), words("Tree register | Baumkataster | Registre des arbres")),
        words("trees | Bäume | arbres"),
        (
            column("key", "Tree | Baum | Arbre; No. | Nr. | N°", lambda rng: f"T{rng.randrange(10, 999)}"),
            column("sort", "Species | Baumart | Espèce; Kind | Art | Sorte", _of("lime", "oak", "birch", "plane", "walnut", "ash"), "of the species {v} | der Art {v} | de l'espèce {v}"),
            column("sort", "Street | Straße | Rue; Park | Park | Parc", _some("city", 5), "in {v} | in {v} | dans {v}", "at {v} | bei {v} | à {v}"),
            column("number", "Height (m) | Höhe (m) | Hauteur (m)", _number(3, 38, 1)),
            column("number", "Girth (cm) | Umfang (cm) | Circonférence (cm)", _number(20, 410)),
            column("year", "Planted | Gepflanzt | Planté", _number(1890, 2022)),
            column("sort", "Health | Zustand | Santé", _of("good", "fair", "poor", "dead"), "in {v} health | mit dem Zustand {v} | en état {v}"),
        ),
    ),
)  # fmt: skip

# ── a table ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Made:
    """A table, and what its columns are."""

    block: TableBlock
    language: int
    rows: str
    """What its rows are called."""
    columns: tuple[Column, ...]

    @property
    def header(self) -> tuple[str, ...]:
        return self.block.header

    def cells(self, place: int) -> list[str]:
        return [row[place] for row in self.block.rows]


def make_table(rng: random.Random) -> Made:
    """One domain's table of six to forty rows, some of its columns, in one of the languages."""
    domain = rng.choice(DOMAINS)
    language = rng.choices((0, 1, 2), (6, 2, 2))[0]
    first = [c for c in domain.columns if c.kind in ("key", "name")] or [domain.columns[0]]
    others = [c for c in domain.columns if c not in first]
    chosen = first + sorted(rng.sample(others, rng.randint(3, len(others))), key=domain.columns.index)
    names = tuple(rng.choice(c.names)[language] for c in chosen)
    kept: dict[str, str] = {}
    count = rng.choice((6, 8, 11, 14, 20, 28, 40))
    drawn: list[list[str]] = []
    seen: set[str] = set()
    while len(drawn) < count:
        row = [_cell(c, kept, rng) for c in chosen]
        if chosen[0].kind in ("key", "name") and row[0] in seen:
            continue
        seen.add(row[0])
        drawn.append(row)
    if rng.random() < 0.3:
        for row in drawn:
            place = rng.randrange(1, len(chosen))
            if rng.random() < 0.15 and chosen[place].kind in ("number", "money", "note"):
                row[place] = ""
    dates = [place for place, c in enumerate(chosen) if c.kind == "date"]
    if dates and rng.random() < 0.5:
        drawn.sort(key=lambda row: row[dates[0]])
    written = [[_write(c, cell, language) for c, cell in zip(chosen, row, strict=True)] for row in drawn]
    title = rng.choice(domain.titles)[language]
    return Made(
        TableBlock(title, header=names, rows=tuple(map(tuple, written))), language, domain.rows[language], tuple(chosen)
    )


def _cell(column: Column, kept: dict[str, str], rng: random.Random) -> str:
    drawn = column.draw(rng)
    if drawn[:1] != "~":
        return drawn
    if drawn not in kept:
        kept[drawn] = invented.name(drawn[1:].rstrip("0123456789"), rng)
    return kept[drawn]


def _write(column: Column, cell: str, language: int) -> str:
    """As people of that language write it in a file."""
    if column.kind == "date" and language and cell:
        day = date.fromisoformat(cell)
        return f"{day:%d.%m.%Y}" if language == 1 else f"{day:%d/%m/%Y}"
    if language and "." in cell and column.kind in ("number", "money"):
        return cell.replace(",", "").replace(".", ",")
    return cell


# ── questions ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Question:
    text: str
    sql: str


class Impossible(Exception):
    """This table has nothing for this kind of question."""


class Asker:
    """Questions to one table; each draws its columns and values, and raises `Impossible` where there are none."""

    def __init__(self, table: Made, rng: random.Random) -> None:
        self.table, self.rng = table, rng
        self.language = table.language if rng.random() < 0.85 else 0

    def ask(self, kind: str) -> Question:
        return getattr(self, f"_{kind}")()  # type: ignore[no-any-return]

    # parts

    def say(self, *forms: str, **parts: str) -> str:
        text = words(self.rng.choice(forms))[self.language].format(rows=self.table.rows, **parts)
        text = " ".join(text.replace(" ?", "?").split())
        return text[0].upper() + text[1:] if self.rng.random() < 0.8 else text[0].lower() + text[1:].rstrip("?.")

    def pick(self, *kinds: str, but: Sequence[int] = ()) -> int:
        places = [p for p, c in enumerate(self.table.columns) if c.kind in kinds and p not in but]
        if not places:
            raise Impossible
        return self.rng.choice(places)

    def name(self, place: int) -> str:
        """How a question calls a column: as it stands there, often without its unit, mostly in small letters."""
        name = self.table.header[place]
        if self.rng.random() < 0.7:
            name = name.split(" (")[0]
        return name if self.language == 1 or self.rng.random() < 0.3 or name.isupper() else name.lower()

    def quoted(self, place: int) -> str:
        return quote_name(self.table.header[place])

    def key(self, but: Sequence[str] = ()) -> tuple[int, str]:
        """The column that names the rows, and a name."""
        place = 0
        if self.table.columns[0].kind not in ("key", "name"):
            raise Impossible
        return place, self.rng.choice([cell for cell in self.table.cells(place) if cell not in but])

    def numbers(self, place: int) -> list[float]:
        german = any("," in cell for cell in self.table.cells(place)) and self.table.language
        plain = [
            c.replace(".", "").replace(",", ".") if german else c.replace(",", "") for c in self.table.cells(place)
        ]
        return [float(cell) for cell in plain if cell]

    def limit(self, place: int) -> str:
        """A round number inside a column's range."""
        found = sorted(self.numbers(place))
        value = found[self.rng.randrange(len(found) // 4, max(len(found) // 4 + 1, 3 * len(found) // 4))]
        step = 10 ** max(0, len(str(int(abs(value)))) - 2)
        return str(int(round(value / step) * step))

    def filter(self, but: Sequence[int] = ()) -> tuple[str, str, int]:
        """(what the question says, the condition, the column)."""
        kind = self.rng.choices(("sort", "number", "date", "year"), (6, 3, 3, 1))[0]
        place = self.pick(*(("number", "money") if kind == "number" else (kind,)), but=but)
        column, sql = self.table.columns[place], self.quoted(place)
        if kind == "sort":
            value = self.rng.choice([cell for cell in self.table.cells(place) if cell])
            return (
                words_of(self.rng.choice(column.asks), self.language).format(v=value),
                f"{sql} = {quote_text(value)}",
                place,
            )
        if kind == "number":
            limit = self.limit(place)
            sign, said = self.rng.choice((
                (">", "with more than {n} {c} | mit mehr als {n} {c} | avec plus de {n} {c}"),
                (">", "with a {c} over {n} | mit {c} über {n} | avec {c} au-dessus de {n}"),
                ("<", "with less than {n} {c} | mit weniger als {n} {c} | avec moins de {n} {c}"),
                ("<", "with a {c} below {n} | mit {c} unter {n} | avec {c} inférieur à {n}"),
                (">=", "with at least {n} {c} | mit mindestens {n} {c} | avec au moins {n} {c}"),
                ("<=", "with at most {n} {c} | mit höchstens {n} {c} | avec au plus {n} {c}"),
            ))  # fmt: skip
            return words(said)[self.language].format(n=limit, c=self.name(place)), f"{sql} {sign} {limit}", place
        if kind == "year":
            year = str(int(self.rng.choice(self.numbers(place))))
            sign, said = self.rng.choice((
                ("<", "with {c} before {n} | mit {c} vor {n} | avec {c} avant {n}"),
                (">", "with {c} after {n} | mit {c} nach {n} | avec {c} après {n}"),
                ("=", "with {c} {n} | mit {c} {n} | avec {c} {n}"),
            ))  # fmt: skip
            return words(said)[self.language].format(n=year, c=self.name(place)), f"{sql} {sign} {year}", place
        return self._when(place)

    def _when(self, place: int) -> tuple[str, str, int]:
        days = [_read_day(cell) for cell in self.table.cells(place) if cell]
        day, sql = self.rng.choice(days), self.quoted(place)
        month = MONTHS_IN[LANGUAGES[self.language]][day.month - 1]
        if self.rng.random() < 0.7:
            said = words("in {m} | im {m} | en {m}")[self.language].format(m=month)
            return said, f"monthname({sql}) = '{MONTHS[day.month - 1]}'", place
        return (
            words("in {y} | im Jahr {y} | en {y}")[self.language].format(y=day.year),
            f"year({sql}) = {day.year}",
            place,
        )

    def where(self, chance: float, but: Sequence[int] = ()) -> tuple[str, str]:
        """One or two filters, or none, as a phrase and as SQL."""
        if self.rng.random() > chance:
            return "", ""
        said, sql, place = self.filter(but)
        if self.rng.random() < 0.25:
            more, other, _ = self.filter((*but, place))
            joined = self.rng.choice((" ", " and | und | et"))
            said = f"{said} {words(joined)[self.language] if joined.strip() else ''} {more}"
            first, second = sorted((sql, other), key=lambda one: self._place_of(one))
            sql = f"{first} AND {second}"
        return said, f" WHERE {sql}"

    def _place_of(self, sql: str) -> int:
        return next(p for p in range(len(self.table.header)) if self.quoted(p) in sql)

    # kinds

    def _count(self) -> Question:
        said, where = self.where(0.95)
        text = self.say(
            "How many {rows} {w} are there? | Wie viele {rows} {w} gibt es? | Combien de {rows} {w} y a-t-il ?",
            "How many {rows} {w}? | Wie viele {rows} {w}? | Combien de {rows} {w} ?",
            "Number of {rows} {w} | Anzahl der {rows} {w} | Nombre de {rows} {w}",
            "Count the {rows} {w}. | Zähle die {rows} {w}. | Compte les {rows} {w}.",
            w=said,
        )
        return Question(text, f"SELECT COUNT(*) FROM t{where}")

    def _sum(self) -> Question:
        place = self.pick("number", "money")
        said, where = self.where(0.6, (place,))
        text = self.say(
            "What is the total {c} of the {rows} {w}? | Wie hoch ist die Summe von {c} der {rows} {w}? | Quel est le total de {c} des {rows} {w} ?",
            "How much {c} in total {w}? | Wie viel {c} insgesamt {w}? | Combien de {c} au total {w} ?",
            "Sum of {c} {w} | Summe {c} {w} | Somme de {c} {w}",
            "Add up the {c} of all {rows} {w}. | Addiere {c} aller {rows} {w}. | Additionne {c} de tous les {rows} {w}.",
            c=self.name(place), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT SUM({self.quoted(place)}) FROM t{where}")

    def _average(self) -> Question:
        place = self.pick("number", "money")
        said, where = self.where(0.5, (place,))
        text = self.say(
            "What is the average {c} of the {rows} {w}? | Was ist der Durchschnitt von {c} der {rows} {w}? | Quelle est la moyenne de {c} des {rows} {w} ?",
            "Mean {c} {w} | Mittlere {c} {w} | {c} en moyenne {w}",
            "How much is {c} on average {w}? | Wie viel {c} im Durchschnitt {w}? | Combien vaut {c} en moyenne {w} ?",
            c=self.name(place), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT AVG({self.quoted(place)}) FROM t{where}")

    def _extreme(self) -> Question:
        """The largest or smallest value itself."""
        place = self.pick("number", "money", "year")
        said, where = self.where(0.4, (place,))
        high = self.rng.random() < 0.5
        text = self.say(
            *(("What is the highest {c} {w}? | Was ist der höchste Wert von {c} {w}? | Quel est le {c} le plus élevé {w} ?",
               "Maximum {c} of the {rows} {w} | Maximum von {c} {w} | {c} maximum {w}") if high else
              ("What is the lowest {c} {w}? | Was ist der niedrigste Wert von {c} {w}? | Quel est le {c} le plus bas {w} ?",
               "Minimum {c} of the {rows} {w} | Minimum von {c} {w} | {c} minimum {w}")),
            c=self.name(place), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT {'MAX' if high else 'MIN'}({self.quoted(place)}) FROM t{where}")

    def _top(self) -> Question:
        """The row with the largest or smallest."""
        key = self.pick("key", "name", "date") if self.rng.random() < 0.8 else self.pick("sort")
        place = self.pick("number", "money", "year", "date", but=(key,))
        said, where = self.where(0.35, (place, key))
        high, skip = self.rng.random() < 0.6, self.rng.random() < 0.12
        dated = self.table.columns[place].kind in ("date", "year")
        more = (
            "latest | späteste | dernier"
            if dated
            else "highest | höchste | plus élevé;largest | größte | plus grand;most | meiste | plus de"
        )
        less = (
            "earliest | früheste | premier"
            if dated
            else "lowest | niedrigste | plus bas;smallest | kleinste | plus petit;least | wenigste | moins de"
        )
        word = words(self.rng.choice((more if high else less).split(";")))[self.language]
        if skip:
            word = words("second {x} | zweit{x} | deuxième {x}")[self.language].format(x=word)
        text = self.say(
            "Which {k} has the {x} {c} {w}? | Welche {k} hat {x} {c} {w}? | Quel {k} a le {x} {c} {w} ?",
            "What is the {k} with the {x} {c} {w}? | Was ist {k} mit {x} {c} {w}? | {k} avec le {x} {c} {w} ?",
            "Which of the {rows} {w} has the {x} {c}? Give the {k}. | Von den {rows} {w}: {k} mit {x} {c}? | Parmi les {rows} {w}, quel {k} a le {x} {c} ?",
            k=self.name(key), c=self.name(place), x=word, w=said,
        )  # fmt: skip
        tail = f"ORDER BY {self.quoted(place)} {'DESC' if high else 'ASC'} LIMIT 1{' OFFSET 1' if skip else ''}"
        return Question(text, f"SELECT {self.quoted(key)} FROM t{where} {tail}")

    def _look(self) -> Question:
        key, value = self.key()
        place = self.pick("sort", "number", "money", "date", "year", but=(key,))
        text = self.say(
            "What is the {c} of {v}? | Was ist {c} von {v}? | Quel est {c} de {v} ?",
            "{v}: {c}? | {v}: {c}? | {v} : {c} ?",
            "Tell me the {c} for {v}. | Nenne {c} für {v}. | Donne {c} pour {v}.",
            "Which {c} does {v} have? | Welche {c} hat {v}? | Quel {c} a {v} ?",
            c=self.name(place), v=value,
        )  # fmt: skip
        return Question(text, f"SELECT {self.quoted(place)} FROM t WHERE {self.quoted(key)} = {quote_text(value)}")

    def _list(self) -> Question:
        key = self.pick("key", "name") if self.rng.random() < 0.8 else self.pick("sort", "date")
        said, where = self.where(1.0, (key,))
        text = self.say(
            "Which {rows} {w}? Give the {k}. | Welche {rows} {w}? Nenne {k}. | Quels {rows} {w} ? Donne {k}.",
            "List the {k} of all {rows} {w}. | Liste {k} aller {rows} {w} auf. | Liste {k} de tous les {rows} {w}.",
            "{k} of the {rows} {w} | {k} der {rows} {w} | {k} des {rows} {w}",
            "What is the {k} of the one {w}? | Was ist {k} {w}? | Quel est {k} {w} ?",
            k=self.name(key), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT {self.quoted(key)} FROM t{where}")

    def _group(self) -> Question:
        place = self.pick("sort")
        said, where = self.where(0.25, (place,))
        high = self.rng.random() < 0.75
        if self.rng.random() < 0.5:
            text = self.say(
                *(("Which {k} has the most {rows} {w}? | Welche {k} hat die meisten {rows} {w}? | Quel {k} a le plus de {rows} {w} ?",
                   "What is the most frequent {k} {w}? | Was ist {k} am häufigsten {w}? | Quel {k} est le plus fréquent {w} ?") if high else
                  ("Which {k} has the fewest {rows} {w}? | Welche {k} hat die wenigsten {rows} {w}? | Quel {k} a le moins de {rows} {w} ?",)),
                k=self.name(place), w=said,
            )  # fmt: skip
            by = "COUNT(*)"
        else:
            number = self.pick("number", "money")
            text = self.say(
                *(("Which {k} has the highest total {c} {w}? | Welche {k} hat insgesamt die höchste {c} {w}? | Quel {k} a le plus grand total de {c} {w} ?",
                   "Which {k} comes first when all {c} are added up {w}? | Welche {k} hat in Summe am meisten {c} {w}? | Quel {k} a le plus de {c} au total {w} ?") if high else
                  ("Which {k} has the lowest total {c} {w}? | Welche {k} hat insgesamt die niedrigste {c} {w}? | Quel {k} a le plus petit total de {c} {w} ?",)),
                k=self.name(place), c=self.name(number), w=said,
            )  # fmt: skip
            by = f"SUM({self.quoted(number)})"
        column = self.quoted(place)
        return Question(
            text, f"SELECT {column} FROM t{where} GROUP BY {column} ORDER BY {by} {'DESC' if high else 'ASC'} LIMIT 1"
        )

    def _two(self) -> tuple[int, str, str, int]:
        key, one = self.key()
        _, other = self.key((one,))
        return key, one, other, self.pick("number", "money", "year")

    def _one(self, place: int, key: int, value: str) -> str:
        return f"(SELECT {self.quoted(place)} FROM t WHERE {self.quoted(key)} = {quote_text(value)})"

    def _differ(self) -> Question:
        key, one, other, place = self._two()
        text = self.say(
            "What is the difference in {c} between {a} and {b}? | Wie groß ist der Unterschied bei {c} zwischen {a} und {b}? | Quelle est la différence de {c} entre {a} et {b} ?",
            "How much more {c} does {a} have than {b}? | Wie viel mehr {c} hat {a} als {b}? | Combien de {c} de plus {a} a-t-il que {b} ?",
            c=self.name(place), a=one, b=other,
        )  # fmt: skip
        return Question(text, f"SELECT ABS({self._one(place, key, one)} - {self._one(place, key, other)})")

    def _which(self) -> Question:
        key, one, other, place = self._two()
        high = self.rng.random() < 0.6
        text = self.say(
            *(("Which has the higher {c}, {a} or {b}? | Was hat mehr {c}, {a} oder {b}? | Lequel a le plus de {c}, {a} ou {b} ?",
               "Did {a} or {b} have more {c}? | Hatte {a} oder {b} mehr {c}? | {a} ou {b} : qui a plus de {c} ?") if high else
              ("Which has the lower {c}, {a} or {b}? | Was hat weniger {c}, {a} oder {b}? | Lequel a le moins de {c}, {a} ou {b} ?",)),
            c=self.name(place), a=one, b=other,
        )  # fmt: skip
        cells = self.table.cells(key)
        first, second = sorted((one, other), key=cells.index)
        column = self.quoted(key)
        where = f"{column} IN ({quote_text(first)}, {quote_text(second)})"
        return Question(
            text,
            f"SELECT {column} FROM t WHERE {where} ORDER BY {self.quoted(place)} {'DESC' if high else 'ASC'} LIMIT 1",
        )

    def _next(self) -> Question:
        key, value = self.key()
        after = self.rng.random() < 0.6
        place = key if self.rng.random() < 0.6 else self.pick("sort", "date")
        text = self.say(
            *(("Which {c} comes after {v}? | Welche {c} kommt nach {v}? | Quel {c} vient après {v} ?",
               "What {c} is listed right after {v}? | Welche {c} steht direkt nach {v}? | Quel {c} est inscrit juste après {v} ?",
               "What is the next {c} after {v}? | Was ist die nächste {c} nach {v}? | Quel est le {c} suivant après {v} ?") if after else
              ("Which {c} comes before {v}? | Welche {c} kommt vor {v}? | Quel {c} vient avant {v} ?",
               "What {c} is listed just before {v}? | Welche {c} steht direkt vor {v}? | Quel {c} est inscrit juste avant {v} ?")),
            c=self.name(place), v=value,
        )  # fmt: skip
        row = f"(SELECT row FROM t WHERE {self.quoted(key)} = {quote_text(value)}) {'+' if after else '-'} 1"
        return Question(text, f"SELECT {self.quoted(place)} FROM t WHERE row = {row}")

    def _end(self) -> Question:
        key = self.pick("key", "name", "sort", "date")
        last = self.rng.random() < 0.5
        said, where = self.where(0.3, (key,))
        text = self.say(
            *(("Which {c} is listed last {w}? | Welche {c} steht zuletzt {w}? | Quel {c} est le dernier de la liste {w} ?",
               "What is the last {c} in the table {w}? | Was ist die letzte {c} in der Tabelle {w}? | Quel est le dernier {c} du tableau {w} ?") if last else
              ("Which {c} is listed first {w}? | Welche {c} steht zuerst {w}? | Quel {c} est le premier de la liste {w} ?",
               "What is the first {c} in the table {w}? | Was ist die erste {c} in der Tabelle {w}? | Quel est le premier {c} du tableau {w} ?")),
            c=self.name(key), w=said,
        )  # fmt: skip
        return Question(
            text, f"SELECT {self.quoted(key)} FROM t{where} ORDER BY row {'DESC' if last else 'ASC'} LIMIT 1"
        )

    def _kinds(self) -> Question:
        place = self.pick("sort")
        said, where = self.where(0.3, (place,))
        text = self.say(
            "How many different {c} are there {w}? | Wie viele verschiedene {c} gibt es {w}? | Combien de {c} différents y a-t-il {w} ?",
            "Number of distinct {c} {w} | Anzahl unterschiedlicher {c} {w} | Nombre de {c} distincts {w}",
            c=self.name(place), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT COUNT(DISTINCT {self.quoted(place)}) FROM t{where}")

    def _any(self) -> Question:
        said, where = self.where(1.0)
        text = self.say(
            "Are there any {rows} {w}? | Gibt es {rows} {w}? | Y a-t-il des {rows} {w} ?",
            "Is it true that there are {rows} {w}? | Stimmt es, dass es {rows} {w} gibt? | Est-il vrai qu'il y a des {rows} {w} ?",
            w=said,
        )  # fmt: skip
        return Question(text, f"SELECT COUNT(*) > 0 FROM t{where}")

    def _counted(self) -> Question:
        said, where = self.where(1.0)
        number = self.rng.randint(1, 6)
        sign, told = self.rng.choice((
            (">", "more than | mehr als | plus de"), (">=", "at least | mindestens | au moins"),
            ("=", "exactly | genau | exactement"), ("<", "fewer than | weniger als | moins de"),
            ("=", "only | nur | seulement"), ("<=", "no more than | höchstens | au plus"),
        ))  # fmt: skip
        text = self.say(
            "Are there {s} {n} {rows} {w}? | Gibt es {s} {n} {rows} {w}? | Y a-t-il {s} {n} {rows} {w} ?",
            "Is it true that {s} {n} {rows} {w} are listed? | Stimmt es, dass {s} {n} {rows} {w} aufgeführt sind? | Est-il vrai que {s} {n} {rows} {w} sont inscrits ?",
            s=words(told)[self.language], n=_spelled(number, self.language, self.rng), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT COUNT(*) {sign} {number} FROM t{where}")

    def _summed(self) -> Question:
        place = self.pick("number", "money")
        said, where = self.where(0.4, (place,))
        found = sum(self.numbers(place))
        number = write_number(float(f"{found * self.rng.choice((0.5, 0.8, 1.2, 1.6)):.2g}"))
        sign, told = self.rng.choice(((">", "above | über | supérieur à"), ("<", "below | unter | inférieur à")))
        text = self.say(
            "Is the total {c} {w} {s} {n}? | Liegt die Summe von {c} {w} {s} {n}? | Le total de {c} {w} est-il {s} {n} ?",
            s=words(told)[self.language],
            n=number,
            c=self.name(place),
            w=said,
        )
        return Question(text, f"SELECT SUM({self.quoted(place)}) {sign} {number} FROM t{where}")

    def _compared(self) -> Question:
        key, one, other, place = self._two()
        sign = self.rng.choice("><")
        text = self.say(
            *(("Is it true that {a} has more {c} than {b}? | Stimmt es, dass {a} mehr {c} hat als {b}? | Est-il vrai que {a} a plus de {c} que {b} ?",
               "Is the {c} of {a} higher than that of {b}? | Ist {c} von {a} höher als bei {b}? | {c} de {a} est-il plus élevé que celui de {b} ?") if sign == ">" else
              ("Does {a} have less {c} than {b}? | Hat {a} weniger {c} als {b}? | {a} a-t-il moins de {c} que {b} ?",)),
            c=self.name(place), a=one, b=other,
        )  # fmt: skip
        return Question(text, f"SELECT {self._one(place, key, one)} {sign} {self._one(place, key, other)}")

    def _is(self) -> Question:
        """Whether a row has this value."""
        key, value = self.key()
        place = self.pick("sort", "number", "year")
        right = self.table.block.rows[self.table.cells(key).index(value)][place]
        cells = [cell for cell in self.table.cells(place) if cell]
        said = right if self.rng.random() < 0.5 and right else self.rng.choice(cells)
        number = self.table.columns[place].kind != "sort"
        if number and not said.isdigit():
            raise Impossible
        text = self.say(
            "Is it true that the {c} of {a} is {v}? | Stimmt es, dass {c} von {a} {v} ist? | Est-il vrai que {c} de {a} est {v} ?",
            "Is {v} the {c} of {a}? | Ist {v} {c} von {a}? | {v} est-il {c} de {a} ?",
            "Does {a} have the {c} {v}? | Hat {a} {c} {v}? | {a} a-t-il {c} {v} ?",
            c=self.name(place), a=value, v=said,
        )  # fmt: skip
        told = said if number else quote_text(said)
        where = f"{self.quoted(key)} = {quote_text(value)} AND {self.quoted(place)} = {told}"
        return Question(text, f"SELECT COUNT(*) > 0 FROM t WHERE {where}")

    def _best(self) -> Question:
        key, value = self.key()
        place = self.pick("number", "money", "year")
        high = self.rng.random() < 0.6
        text = self.say(
            "Is it true that {a} has the highest {c}? | Stimmt es, dass {a} die höchste {c} hat? | Est-il vrai que {a} a le plus grand {c} ?"
            if high else
            "Is it true that {a} has the lowest {c}? | Stimmt es, dass {a} die niedrigste {c} hat? | Est-il vrai que {a} a le plus petit {c} ?",
            a=value, c=self.name(place),
        )  # fmt: skip
        first = f"SELECT {self.quoted(key)} FROM t ORDER BY {self.quoted(place)} {'DESC' if high else 'ASC'} LIMIT 1"
        return Question(text, f"SELECT ({first}) = {quote_text(value)}")

    def _worth(self) -> Question:
        money, number = self.pick("money"), self.pick("number")
        first, second = sorted((money, number))
        said, where = self.where(0.5, (money, number))
        text = self.say(
            "What are all {rows} {w} worth, {a} times {b}? | Was sind alle {rows} {w} wert, {a} mal {b}? | Que valent tous les {rows} {w}, {a} fois {b} ?",
            "Total value ({a} × {b}) of the {rows} {w} | Gesamtwert ({a} × {b}) der {rows} {w} | Valeur totale ({a} × {b}) des {rows} {w}",
            a=self.name(number), b=self.name(money), w=said,
        )  # fmt: skip
        return Question(text, f"SELECT SUM({self.quoted(first)} * {self.quoted(second)}) FROM t{where}")

    def _over(self) -> Question:
        """Compared with the average, or with another row."""
        place = self.pick("number", "money", "year")
        sign = self.rng.choice("><")
        column = self.quoted(place)
        if self.rng.random() < 0.5:
            told = (
                "above-average | überdurchschnittlicher | supérieur à la moyenne"
                if sign == ">"
                else "below-average | unterdurchschnittlicher | inférieur à la moyenne"
            )
            text = self.say(
                "How many {rows} with {s} {c} are there? | Wie viele {rows} mit {s} {c} gibt es? | Combien de {rows} avec {c} {s} y a-t-il ?",
                s=words(told)[self.language], c=self.name(place),
            )  # fmt: skip
            return Question(text, f"SELECT COUNT(*) FROM t WHERE {column} {sign} (SELECT AVG({column}) FROM t)")
        key, value = self.key()
        told = (
            "a higher {c} than {v} | mehr {c} als {v} | plus de {c} que {v}"
            if sign == ">"
            else "a lower {c} than {v} | weniger {c} als {v} | moins de {c} que {v}"
        )
        than = words(told)[self.language].format(c=self.name(place), v=value)
        where = f"{column} {sign} (SELECT {column} FROM t WHERE {self.quoted(key)} = {quote_text(value)})"
        if self.rng.random() < 0.6:
            text = self.say(
                "How many {rows} have {x}? | Wie viele {rows} haben {x}? | Combien de {rows} ont {x} ?", x=than
            )
            return Question(text, f"SELECT COUNT(*) FROM t WHERE {where}")
        text = self.say("Which {k} has {x}? | Welche {k} hat {x}? | Quel {k} a {x} ?", k=self.name(key), x=than)
        return Question(text, f"SELECT {self.quoted(key)} FROM t WHERE {where}")

    def _same(self) -> Question:
        key, value = self.key()
        place = self.pick("sort", "year", "number")
        column = self.quoted(place)
        inner = f"{column} = (SELECT {column} FROM t WHERE {self.quoted(key)} = {quote_text(value)})"
        text = self.say(
            "Which other {k} has the same {c} as {v}? | Welche andere {k} hat dieselbe {c} wie {v}? | Quel autre {k} a le même {c} que {v} ?",
            "Who or what shares the {c} of {v}? Give the {k}. | Was hat {c} mit {v} gemeinsam? Nenne {k}. | Qui partage {c} avec {v} ? Donne {k}.",
            k=self.name(key), c=self.name(place), v=value,
        )  # fmt: skip
        first, second = sorted(
            (inner, f"{self.quoted(key)} != {quote_text(value)}"), key=lambda one: self._place_of(one[: one.index("=")])
        )
        return Question(text, f"SELECT {self.quoted(key)} FROM t WHERE {first} AND {second}")

    def _place(self) -> Question:
        """How many have a number that is told as a place or a year."""
        place = self.pick("number", "year")
        number = int(self.rng.choice(self.numbers(place)))
        text = self.say(
            "How many {rows} have the {c} {n}? | Wie viele {rows} haben {c} {n}? | Combien de {rows} ont {c} {n} ?",
            "Number of {rows} with {c} {n} | Anzahl der {rows} mit {c} {n} | Nombre de {rows} avec {c} {n}",
            c=self.name(place), n=str(number),
        )  # fmt: skip
        return Question(text, f"SELECT COUNT(*) FROM t WHERE {self.quoted(place)} = {number}")

    def _empty(self) -> Question:
        gaps = [p for p in range(1, len(self.table.columns)) if "" in self.table.cells(p)]
        if not gaps:
            raise Impossible
        place = self.rng.choice(gaps)
        text = self.say(
            "How many {rows} have no {c}? | Wie viele {rows} haben keine {c}? | Combien de {rows} n'ont pas de {c} ?",
            "For how many {rows} is the {c} missing? | Bei wie vielen {rows} fehlt {c}? | Pour combien de {rows} manque-t-il {c} ?",
            c=self.name(place),
        )
        return Question(text, f"SELECT COUNT(*) FROM t WHERE {self.quoted(place)} IS NULL")

    def _not(self) -> Question:
        place = self.pick("sort")
        value = self.rng.choice([cell for cell in self.table.cells(place) if cell])
        text = self.say(
            "How many {rows} are not {x}? | Wie viele {rows} sind nicht {x}? | Combien de {rows} ne sont pas {x} ?",
            "How many {rows} have another {c} than {v}? | Wie viele {rows} haben eine andere {c} als {v}? | Combien de {rows} ont un autre {c} que {v} ?",
            x=words_of(self.rng.choice(self.table.columns[place].asks), self.language).format(v=value), c=self.name(place), v=value,
        )  # fmt: skip
        return Question(text, f"SELECT COUNT(*) FROM t WHERE {self.quoted(place)} != {quote_text(value)}")


KINDS = {
    "count": 10, "sum": 6, "average": 5, "extreme": 4, "top": 9, "look": 8, "list": 6, "group": 5, "differ": 3, "which": 4,
    "next": 5, "end": 4, "kinds": 3, "any": 2, "counted": 4, "summed": 1, "compared": 3, "is": 5, "best": 3, "worth": 2,
    "over": 4, "same": 2, "place": 2, "empty": 1, "not": 2,
}  # fmt: skip
"""Kinds of questions, and how often each is asked."""


def ask(table: Made, rng: random.Random) -> Question | None:
    """A question to the table; None where it has nothing for the kind that was drawn."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    try:
        return Asker(table, rng).ask(kind)
    except Impossible:
        return None


def words_of(asks: Words, language: int) -> str:
    return asks[language]


def _read_day(cell: str) -> date:
    if "-" in cell:
        return date.fromisoformat(cell)
    day, month, year = cell.replace("/", ".").split(".")
    return date(int(year), int(month), int(day))


_SPELLED = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def _spelled(number: int, language: int, rng: random.Random) -> str:
    return _SPELLED[number] if language == 0 and rng.random() < 0.5 else str(number)
