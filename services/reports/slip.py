"""The slip potongan: a receipt told in Indonesian, so that the employee understands each rupiah."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.reports import words
from services.reports.gathered import Person
from services.reports.receipt import Receipt
from shared.percent import parse_percent
from shared.policy.leave import CAUSES

_SPLIT: Final = {"fixed": "tetap", "performance": "kinerja", "attendance": "kehadiran"}
_NO_REGION: Final = (
    "Ditahan karena unit ini belum mempunyai wilayah WFA, sehingga tempat absennya belum dapat dinilai: impor wilayahnya dengan"
    " `hadir import sites` (kind: region)"
)
_NO_SOURCE: Final = "dasar hukum tidak dicantumkan pada paket aturan"


def slip(receipt: Receipt, person: Person) -> list[str]:
    """The lines of the slip. Days on which all was in order are only counted, unless the receipt is about one day."""
    return [*_head(receipt, person), *_days(receipt), *_sum(receipt), *_history(receipt), *_foot(receipt)]


def _head(receipt: Receipt, person: Person) -> Iterator[str]:
    state = "sudah ditutup" if receipt["state"] == "CLOSED" else "masih berjalan"
    ceiling = receipt["ceiling"]
    yield f"SLIP POTONGAN TPP {words.month_name(receipt['month']).upper()} ({state})"
    yield f"Pegawai  : {person.name}, NIP {person.nip}, {person.kind}, {person.group}"
    if ceiling is None:
        what = "pagu atau upah " if any(line["base"] == "wage" for line in receipt["arithmetic"]["lines"]) else ""
        yield f"Pagu TPP : {what}belum diimpor, jadi potongan belum berjumlah rupiah"
    else:
        static = "" if ceiling["static_tkd"] is None else f" (TKD statis {words.rupiah(ceiling['static_tkd'])})"
        wage = "" if ceiling["wage"] is None else f" (upah {words.rupiah(ceiling['wage'])})"
        yield f"Pagu TPP : {words.rupiah(ceiling['amount'])}{static}{wage}"


def _days(receipt: Receipt) -> Iterator[str]:
    entered = {entry["date"] for entry in receipt["ledger"]}
    told = [day for day in receipt["days"] if _matters(day, entered) or len(receipt["days"]) == 1]
    lines = receipt["arithmetic"]["lines"]
    yield ""
    quiet = len(receipt["days"]) - len(told)
    if quiet:
        yield f"{quiet} hari lain tanpa catatan."
    for day in told:
        duty, hours = day["duty"], day["duty"]["hours"]
        at = "" if hours is None else f" {hours['start'][11:16]}–{hours['end'][11:16]} {words.zone_name(day['timezone'])}"
        yield f"{words.long_date(dt.date.fromisoformat(day['date']))} · {duty['mode']}{at} · {day['unit']}: {words.STATUSES[day['status']]}"
        waits = day["status"] in ("PENDING", "HELD")
        yield from (f"  {_check_in(check_in, waits=waits)}" for check_in in day["check_ins"])
        if duty["mode"] == "WFA" and day["status"] == "HELD" and not all(check_in["region_known"] for check_in in day["check_ins"]):
            yield f"  {_NO_REGION}"
        costs = [line for line in lines if line["date"] == day["date"]]
        for finding in day["findings"]:
            free = "" if any(line["code"] == finding["code"] for line in costs) else ", tanpa potongan"
            yield f"  {finding['code']}: {finding['text']}{free}"
        for line in costs:
            yield f"    {_cost(line)}"
            if not line["rule"]["findings"] and line["rule"]["of_the_month"]:
                yield f"    {line['rule']['of_the_month']}"
            yield f"    aturan {_source(receipt, line['policy_id'])}"
        for one in day["corrections"]:
            kind = words.CORRECTIONS.get(one["kind"], one["kind"])
            number, cause = (one["fields"].get(key) for key in ("letter", "reason"))
            more = [CAUSES.get(cause, cause)] * (cause is not None) + [f"surat {number}"] * isinstance(number, str)
            paper = f" ({', '.join(more)})" if more else ""
            decided = f"{words.STATES[one['state']]} oleh {one['actor']} pada {_moment(one['decided_at'])}"
            yield f"  Koreksi: {kind}{paper} {decided} (id {one['id']})"


def _matters(day: Mapping[str, Any], entered: set[str | None]) -> bool:
    return bool(day["findings"] or day["corrections"] or day["status"] in ("PENDING", "HELD", "ABSENT") or day["date"] in entered)


def _check_in(check_in: Mapping[str, Any], *, waits: bool) -> str:
    place = check_in["site"] or "lokasi absen"
    away = "" if check_in["distance_m"] is None else f", {check_in['distance_m']} m dari batas atau titiknya"
    doubts = ["posisi tidak teliti"] * (check_in["quality"] != "good") + ["GPS palsu terdeteksi"] * bool(check_in["mock"])
    counted = "" if check_in["counted"] else "; menunggu putusan" if waits else "; tidak dihitung"
    return (
        f"Absen {words.MARKS[check_in['mark']]} {check_in['captured_at'][11:19]}, {words.VERDICTS[check_in['verdict']]} {place}{away}"
        f"{''.join(f', {doubt}' for doubt in doubts)}{counted} (id {check_in['id']})"
    )


def _cost(line: Mapping[str, Any]) -> str:
    base = words.BASES[line["base"]]
    if line["base"] == "rupiah":
        return f"{line['code']}: jumlah tetap Rp {words.decimals(words.exact_text(parse_percent(line['share'])))}"
    if line["hundred_percent"] is None:
        return f"{line['code']}: {words.percent(line['percent'])} dari {base}"
    spread = f" : {line['divided_by']} hari" if line["divided_by"] > 1 else ""
    exact = line["exact"]
    rounded = "" if exact == str(line["amount"]) else f" (tepatnya {words.decimals(exact)}, dibulatkan)"
    return (
        f"{line['code']}: {words.percent(line['percent'])} × {base} Rp {words.decimals(line['hundred_percent'])}{spread}"
        f" = {words.rupiah(line['amount'])}{rounded}"
    )


def _source(receipt: Receipt, policy_id: str) -> str:
    policy = receipt["policies"][policy_id]
    return f"{policy['name']}: {policy['legal_source'] or _NO_SOURCE} (paket {policy_id})"


def _sum(receipt: Receipt) -> Iterator[str]:
    sums = receipt["arithmetic"]
    yield ""
    yield "PERHITUNGAN"
    for line in sums["lines"]:
        yield f"  {line['date']}  {_cost(line)}"
    for policy in receipt["policies"].values():
        if (split := policy["split"]) is not None:
            shares = (f"{word} {words.share(split[key])}" for key, word in _SPLIT.items())
            after_tax = ", setelah pajak" if split["after_tax"] else ""
            yield f"  Pembagian TPP menurut {policy['name']} (keterangan, tidak ikut dihitung): {', '.join(shares)}{after_tax}"
    for base in sums["bases"]:
        if base["base"] == "rupiah":
            continue
        over = f", dibatasi menjadi {words.percent(base['percent'])}" if base["percent"] != base["raw_percent"] else ""
        yield f"  Jumlah dari {words.BASES[base['base']]}: {words.percent(base['raw_percent'])}{over} (batas {words.percent(base['cap'])})"
    if sums["cap"] is not None:
        yield f"  CAP: kelebihan di atas batas dikembalikan {words.rupiah(sums['cap']['amount'])}"
    if sums["rounding"] is not None:
        yield f"  ROUNDING: jumlah dibulatkan sekali, selisih baris {words.rupiah(sums['rounding']['amount'])}"
    for cut in sums["sanctions"]:
        yield (
            f"  {cut['code']}: hukuman disiplin {words.percent(cut['percent'])} × pagu TPP Rp {words.decimals(cut['hundred_percent'])}"
            f" = {words.rupiah(cut['amount'])}"
        )
        for one in cut["decisions"]:
            paper = one["document"]
            dated = "" if paper is None else words.short_date(dt.date.fromisoformat(paper["date"]))
            letter = "" if paper is None else f", keputusan {paper['number']} tanggal {dated}"
            until = f"{words.month_name(one['first_month'])} sampai {words.month_name(one['last_month'])}"
            yield f"    {one['legal_source']}{letter}, {until}{', sudah dibatalkan' if one['withdrawn'] else ''}"
    if sums["cut_limit"] is not None:
        yield f"  CUT_LIMIT: potongan tidak melebihi pagu, dikembalikan {words.rupiah(sums['cut_limit']['amount'])}"
    if sums["amount"] is None:
        yield "  Potongan: belum berjumlah rupiah"
    else:
        yield f"  Potongan {words.month_name(receipt['month'])}: {words.rupiah(sums['amount'])}"
    for one in sums["supplements"]:
        if one["origin"] == receipt["month"]:
            yield f"  SUPPLEMENT: melampaui TPP bulan ini, menjadi susulan bulan berikutnya {words.rupiah(one['amount'])}"
        else:
            yield f"  SUPPLEMENT: susulan dari {words.month_name(one['origin'])} yang sudah ditutup {words.rupiah(one['amount'])}"
    if sums["supplements"]:
        yield f"  Seluruhnya: {words.rupiah(sums['total'])}"
    if not sums["reproducible"]:
        yield "  Bulan ini ditutup sebelum dasar hitungnya ikut disimpan; jumlah tetap seperti saat ditutup, selisihnya menjadi susulan."


def _history(receipt: Receipt) -> Iterator[str]:
    yield ""
    yield f"BUKU POTONGAN ({len(receipt['ledger'])} catatan, tidak pernah diubah atau dihapus)"
    for entry in receipt["ledger"]:
        about = entry["code"] + ("" if entry["date"] is None else f" {entry['date']}")
        origin = "" if entry["origin"] is None else f" untuk {words.month_name(entry['origin'])}"
        what = "" if entry["reverses"] is None else f", membatalkan nomor {entry['reverses']}"
        yield f"  {entry['number']}. {about}{origin}: {words.rupiah(entry['amount'])}{what}; {_cause(entry)}"


def _cause(entry: Mapping[str, Any]) -> str:
    because, began = entry["because"], entry["began_with"]
    if because is None:
        return "karena perubahan data acuan atau penutupan bulan" if entry["cause"] is None else f"karena peristiwa {entry['cause']}"
    text = f"karena {_what(because)}"
    if began is None:
        return f"{text}, berawal dari perubahan data acuan atau perintah {entry['correlation']}"
    return f"{text}, lewatnya waktu absen" if began == because and because["kind"] == "day" else (
        text if began == because else f"{text}, berawal dari {_what(began)}"
    )


def _what(cause: Mapping[str, Any]) -> str:
    match cause["kind"]:
        case "check-in":
            return f"absen {words.MARKS[cause['word']]} (id {cause['about']})"
        case "correction":
            return f"koreksi {words.CORRECTIONS.get(cause['word'], cause['word'])} (id {cause['about']}, versi {cause['version']})"
        case "discipline":
            return f"putusan hukuman disiplin {cause['word']} atas hari {cause['about']} (versi {cause['version']})"
        case "ceiling":
            return f"pagu TPP {words.month_name(cause['about'])} versi {cause['version']}"
        case _:
            return f"penilaian hari {cause['about']} versi {cause['version']}"


def _foot(receipt: Receipt) -> Iterator[str]:
    chain = receipt["chain"]
    yield ""
    if chain["broken"]:
        yield f"PERHATIAN: catatan nomor {', '.join(map(str, chain['broken']))} TIDAK sesuai sidik rantainya. Laporkan kepada Inspektorat."
    older = len(receipt["ledger"]) - chain["chained"]
    yield f"Sidik rantai buku: {chain['head']}" + (f" ({older} catatan lama tanpa rantai)" if older else "")
    yield "Periksa sendiri: hadir explain ... --json > slip.json, lalu python3 docs/verify_receipt.py slip.json"


def _moment(text: str) -> str:
    return f"{words.short_date(dt.date.fromisoformat(text[:10]))} {text[11:16]}"
