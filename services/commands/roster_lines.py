"""How `hadir roster` speaks: the picture of a roster on the terminal, its files, its breaches, its trail, and who was where."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.commands.terminal import console, print_line, stop_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rich.text import Text

    from services.schedule.planning import Staff
    from services.schedule.rosters import Stepped, View
    from services.schedule.rules.schemes import Breach
    from services.schedule.rules.schemes.picture import Picture
    from services.schedule.shares import Standing
    from services.schedule.store.plans import Asked, StepRow

_MOST_SHOWN = 60


def state_words(state: str) -> str:
    """How far a roster is on its way, in words."""
    from services.schedule.rules.schemes.steps import STATE_WORDS, RosterState

    return STATE_WORDS[RosterState(state)]


def stepped_lines(stepped: "Stepped", unit: str) -> list[str]:
    """What came of a step."""
    row = stepped.row
    wrong = sum(not breach.warning for breach in stepped.breaches)
    lines = [f"Roster {unit} {row.month:%Y-%m}: versi {row.version}, {state_words(row.state)}"]
    if stepped.breaches:
        lines.append(f"{wrong} pelanggaran skema, {len(stepped.breaches) - wrong} peringatan; lihat `hadir roster validate`")
    return lines


def label_of(staff: "Staff", employee_id: "UUID", *, names: bool = False) -> str:
    """A person by the last digits of the NIP, since terminals are copied; by name if asked for."""
    person = staff.people.get(employee_id)
    if person is None:
        return "pegawai di luar unit"
    return person.name[:26] if names else f"pegawai …{person.nip[-4:]}"


def breach_lines(found: "Sequence[Breach]", staff: "Staff") -> list[str]:
    """Every breach by date and employee."""
    lines = []
    for breach in found:
        whose = f"{label_of(staff, breach.employee_id)}: " if breach.employee_id is not None else ""
        lines.append(f"{'peringatan' if breach.warning else 'pelanggaran'} {breach.code}: {whose}{breach.sentence()}")
    shown = [*lines[:_MOST_SHOWN], *([f"... dan {len(lines) - _MOST_SHOWN} lagi"] if len(lines) > _MOST_SHOWN else [])]
    return shown or ["Roster sesuai skema."]


def trail_line(step: "StepRow") -> str:
    """One step of the trail."""
    done = {"draft": "disusun", "submit": "diajukan", "adjust": "disesuaikan", "return": "dikembalikan", "approve": "disetujui",
            "publish": "diterbitkan"}
    return f"  {step.version}. {step.at:%Y-%m-%d %H:%M} UTC {done[step.action]} oleh {step.actor} ({step.role}): {step.reason}"


def draw(staff: "Staff", asked: "Asked", title: str, *, names: bool) -> None:
    """Prints a roster as people × dates, and the line of the quota below it."""
    from services.schedule.rules.schemes.picture import LEGEND, picture_of

    picture = picture_of(staff.plan(asked))
    print_line(title)
    for line in _lines(picture, {key: label_of(staff, key, names=names) for key in staff.people}):
        console.print(line, soft_wrap=True)
    print_line(LEGEND)


def _lines(picture: "Picture", labels: "dict[UUID, str]") -> "list[Text]":
    from rich.text import Text

    colours = {"A": "cyan", "K": "bold", "C": "yellow", "·": "dim"}
    head = max((len(label) for label in labels.values()), default=0) + 1
    head = max(head, 8)

    def line(label: str, cells: tuple[str, ...], styles: list[str]) -> Text:
        text = Text(label.ljust(head))
        for cell, style in zip(cells, styles, strict=True):
            text.append(cell.rjust(3), style)
        return text

    plain = [""] * len(picture.dates)
    rows = [line("", picture.days, plain), line("", picture.weekdays, plain)]
    for employee_id, letters in picture.rows:
        rows.append(line(labels[employee_id], letters, [colours.get(letter, "") for letter in letters]))
    rows.append(line("WFA", picture.wfa, ["red bold" if over else "" for over in picture.over]))
    rows.append(line("skema", picture.allowed, plain))
    return rows


def exported(path: Path, seen: "View", title: str) -> str:
    """Writes a roster as the name of the file says; returns what to say."""
    from services.schedule.rosterfile import as_csv, as_xlsx
    from services.schedule.rules.schemes.picture import picture_of

    nips = {key: person.nip for key, person in seen.staff.people.items()}
    if path.suffix.lower() == ".xlsx":
        labels = {key: f"{person.nip} {person.name}" for key, person in seen.staff.people.items()}
        content = as_xlsx(seen.asked, nips, picture_of(seen.staff.plan(seen.asked)), labels, title)
    elif path.suffix.lower() == ".csv":
        content = as_csv(seen.asked, nips)
    else:
        stop_with("Tulis nama berkas yang berakhir .csv atau .xlsx.", 2)
    path.write_bytes(content)
    return f"Ditulis: {path.name} ({sum(map(len, seen.asked.values()))} hari dari {len(seen.asked)} pegawai; memuat NIP)"


def told(standing: "Standing") -> list[str]:
    """A unit's days, one line each, and what is against its scheme."""
    from services.schedule.rules.schemes import day_words

    lines = []
    for share in standing.shares:
        unknown, moved = standing.unknown.get(share.date, 0), standing.moved.get(share.date, ())
        if not (share.owed or share.away or share.left_out or unknown):
            continue
        quota = "tanpa kuota harian" if share.allowed is None else f"skema {share.allowed.low} sampai {share.allowed.high}"
        parts = [f"WFA {share.wfa} dari {share.owed} ({quota})", f"WFO {share.wfo}", f"tidak masuk {share.away}"]
        parts += [f"di luar skema {share.left_out}"] if share.left_out else []
        parts += [f"belum diketahui {unknown}"] if unknown else []
        parts += [f"tidak di tempat yang direncanakan {len(moved)}"] if moved else []
        lines.append(f"{standing.unit} {day_words(share.date)} [{standing.schemes.get(share.date, 'tanpa skema')}]: {'; '.join(parts)}")
    for breach in standing.breaches:
        if not breach.warning:
            sentence = breach.sentence() if standing.kind == "planned" else breach.fact()
            lines.append(f"{standing.unit} {breach.code}: {sentence}")
    return lines
