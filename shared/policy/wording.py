"""What is said about a rule pack: for every code one sentence and what to do, in English and in Indonesian.

The command line speaks English, imports and the HTTP API speak Indonesian; both say the same of the same code.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["en", "id"]


class Words(NamedTuple):
    """A sentence and what to do about it, with {places} for the values of a fault."""

    sentence: str
    advice: str


EN: Final[Mapping[str, Words]] = {
    # the file
    "unreadable": Words("{reason}", "give a YAML file that can be read"),
    "not_a_mapping": Words("a policy file is a mapping of names to policies", "begin with a line such as POL-A:"),
    "not_a_policy": Words("a policy is a mapping of keys", "write the pack's keys below its name, indented"),
    "unknown_parent": Words("there is no policy {parent!r} in this file", "name one of: {known}"),
    "extends_itself": Words("{parent} extends itself: {way}", "take extends out of one of them"),
    # one value
    "unknown_key": Words("unknown key", "{near}see `hadir policy schema` for all keys"),
    "missing": Words("is missing", "add the key {key}"),
    "percent_not_text": Words('a percent is a quoted decimal such as "0.50", not {value}', "put it in quotes"),
    "percent_not_decimal": Words('{value} is not a decimal such as "0.50"', "write digits, a dot, and at most nine decimals"),
    "percent_negative": Words("a percent is never negative", "write what is deducted as a positive decimal"),
    "not_whole": Words("{value} is not a whole number", "write digits without quotes and without decimals"),
    "too_small": Words("{value} is too small: at least {limit}", "write {limit} or more"),
    "too_large": Words("{value} is too large: at most {limit}", "write {limit} or less"),
    "not_text": Words("{value} is not text", "put it in quotes"),
    "empty": Words("is empty", "write something, or leave the key out"),
    "too_long": Words("is longer than {limit} characters", "shorten it"),
    "not_one_of": Words("{value} is none of the words that are known here", "write one of: {known}"),
    "not_boolean": Words("{value} is neither true nor false", "write true or false without quotes"),
    "not_price": Words(
        "{value} is no price", 'write "2.00" for a percent of the base, {{pct: "5.00", base: wage}} or {{rupiah: 500000}}',
    ),
    "not_date": Words("{value} is not a date", "write it as 2026-02-01"),
    "not_keys": Words("{value} is no mapping of keys", "write its keys in braces or indented below"),
    "not_list": Words("{value} is no list", "write its entries in brackets, or each on a line with a dash"),
    "not_moment": Words(
        "{value} is neither a clock time nor minutes", 'write "07:30" in quotes, or whole minutes from the start or end (-1440 to 1440)',
    ),
    "unfit": Words("{value} does not fit this key", "see the key in `hadir policy schema`"),
    # across keys
    "band_backwards": Words("the band ends at {max}, before it begins at {min}", "put the greater minute last"),
    "band_open": Words("only the last band may be open (max: null)", "give the last minute, or move the band to the end"),
    "gap": Words("a gap: minutes {first} to {last} are in no band", "begin the band at minute {first}"),
    "overlap": Words("an overlap: minute {min} is in the band before as well", "begin the band at minute {after}"),
    "either": Words("give either {key} or {other}, not both", "take one of them out"),
    "weight_alone": Words(
        "weight goes with base discipline_component only; the base here is {base}", "change the base, or take weight out",
    ),
    "weight_missing": Words("base discipline_component needs its weight in the total TPP", 'add, for example, weight: "0.40"'),
    "weight_share": Words("weight is a share of the total TPP, more than 0 and at most 1", 'write 40 percent as "0.40"'),
    "cap_over": Words("the cap is at most 100 percent of the base", 'write "100" or less'),
    "over_cap": Words("{percent} is over the cap of {cap}{where}", "lower it, or raise the cap"),
    "days_not_rising": Words("days must rise from step to step", "write the steps in order of days, each number once"),
    "steps_falling": Words("more days may not cost less", "raise the percent to that of the step before, {before}, or more"),
    "marks_wrong": Words(
        "marks are in and out once each, and break at most twice", "write [in, out], [in, break, out] or [in, break, break, out]"
    ),
    "leave_backwards": Words("to_day is before from_day", "write the later day as to_day"),
    "split_sum": Words("fixed, performance and attendance must add up to 1", "they add up to {sum}; correct one of them"),
    "window_backwards": Words("the window closes at {close}, before it opens at {open}", "put the later moment as close"),
    "date_twice": Words("{date} has prices of its own in two rows", "write each date in one row only"),
    "dates_backwards": Words("effective_until is before effective_from", "write the later date as effective_until"),
    # remarks: allowed, but may be a slip
    "no_source": Words(
        "legal_source is missing", "say on which regulation and article the pack stands; without it, it cannot be put in force",
    ),
    "tk_free": Words(
        "a day of absence (TK) costs nothing", "write tk_day, tk_day_by_group or tk_steps; make sure that the regulation wants it free",
    ),
    "tk_unlike_missing": Words(
        "no check-in and no check-out together cost {both}, a day of absence {tk}",
        "most tables make them equal (domain rows 1, 21, 22, 27); make sure that the regulation wants it",
    ),
    "tk_unlike_bands": Words(
        "{late} and {early} together cost {both}, a day of absence {tk}",
        "whoever comes and goes at the wrong time {word} who stays away; make sure that the regulation wants it",
    ),
    "uncovered": Words("more than {max} minutes are in no band and cost nothing", "leave the last band open (max: null)"),
    "starts_late": Words("minutes 1 to {last} are in no band and cost nothing", "make sure that this tolerance is meant"),
    "falling": Words("{code} costs less than {before} before it", "more minutes usually cost more; compare with the regulation"),
    "same_code": Words("the code {code} stands for {one} and for {other}", "give different prices different codes"),
    "unreachable": Words("{code} is never reached: up to {flex} minutes late is not late", "compare with flex_minutes"),
    "without_effect": Words("{key} has no effect {why}", "take it out, or correct what it belongs to"),
    "letter_costs": Words(
        "day {day} of sick leave costs {brought} with a doctor's letter and {none} without one",
        "add what a day without a letter costs (letter: false), or require the paper of leave.sick in the rules of approval",
    ),
}  # fmt: skip

ID: Final[Mapping[str, Words]] = {
    "unreadable": Words("berkas tidak dapat dibaca: {reason}", "perbaiki berkasnya, lalu ulangi"),
    "not_a_mapping": Words("berkas kebijakan berisi nama kebijakan dan isinya", "mulailah dengan baris seperti POL-A:"),
    "not_a_policy": Words("kebijakan harus berisi pasangan kunci dan nilai", "tulis kunci-kuncinya menjorok di bawah namanya"),
    "unknown_parent": Words("tidak ada kebijakan {parent!r} dalam berkas ini", "pilih salah satu: {known}"),
    "extends_itself": Words("{parent} mewarisi dirinya sendiri: {way}", "hapus extends dari salah satunya"),
    "unknown_key": Words("kunci tidak dikenal", "{near}semua kunci ada di `hadir policy schema`"),
    "missing": Words("belum diisi", "tambahkan kunci {key}"),
    "percent_not_text": Words('persen ditulis sebagai desimal dalam tanda kutip seperti "0.50", bukan {value}', "beri tanda kutip"),
    "percent_not_decimal": Words('{value} bukan desimal seperti "0.50"', "tulis angka, titik, dan paling banyak sembilan desimal"),
    "percent_negative": Words("persen tidak boleh negatif", "tulis potongan sebagai desimal positif"),
    "not_whole": Words("{value} bukan bilangan bulat", "tulis angka tanpa tanda kutip dan tanpa desimal"),
    "too_small": Words("{value} terlalu kecil: paling sedikit {limit}", "tulis {limit} atau lebih"),
    "too_large": Words("{value} terlalu besar: paling banyak {limit}", "tulis {limit} atau kurang"),
    "not_text": Words("{value} bukan teks", "beri tanda kutip"),
    "empty": Words("kosong", "isi, atau hapus kuncinya"),
    "too_long": Words("lebih dari {limit} huruf", "persingkat"),
    "not_one_of": Words("{value} bukan kata yang dikenal di sini", "pilih salah satu: {known}"),
    "not_boolean": Words("{value} bukan true atau false", "tulis true atau false tanpa tanda kutip"),
    "not_price": Words(
        "{value} bukan harga", 'tulis "2.00" untuk persen dari base, {{pct: "5.00", base: wage}} atau {{rupiah: 500000}}',
    ),
    "not_date": Words("{value} bukan tanggal", "tulis seperti 2026-02-01"),
    "not_keys": Words("{value} tidak berisi kunci dan nilai", "tulis kunci-kuncinya dalam kurung kurawal atau menjorok di bawahnya"),
    "not_list": Words("{value} bukan daftar", "tulis isinya dalam kurung siku, atau setiap isi satu baris dengan tanda hubung"),
    "not_moment": Words(
        "{value} bukan jam dan bukan menit", 'tulis "07:30" dalam tanda kutip, atau menit dari awal atau akhir kerja (-1440 sampai 1440)',
    ),
    "unfit": Words("{value} tidak cocok untuk kunci ini", "lihat kunci ini di `hadir policy schema`"),
    "band_backwards": Words("rentang berakhir di menit {max}, sebelum mulai di menit {min}", "tulis menit yang lebih besar sebagai max"),
    "band_open": Words("hanya rentang terakhir boleh terbuka (max: null)", "isi menit terakhirnya, atau pindahkan ke akhir"),
    "gap": Words("ada celah: menit {first} sampai {last} tidak masuk rentang mana pun", "mulai rentang ini di menit {first}"),
    "overlap": Words("tumpang tindih: menit {min} juga ada di rentang sebelumnya", "mulai rentang ini di menit {after}"),
    "either": Words("isi {key} atau {other}, jangan keduanya", "hapus salah satunya"),
    "weight_alone": Words(
        "weight hanya untuk base discipline_component; base di sini {base}", "ganti base-nya, atau hapus weight",
    ),
    "weight_missing": Words("base discipline_component memerlukan weight, bagiannya dari seluruh TPP", 'tambahkan misalnya weight: "0.40"'),
    "weight_share": Words("weight adalah bagian dari seluruh TPP, lebih dari 0 dan paling banyak 1", 'tulis 40 persen sebagai "0.40"'),
    "cap_over": Words("cap paling banyak 100 persen dari base", 'tulis "100" atau kurang'),
    "over_cap": Words("{percent} melebihi cap {cap}{where}", "turunkan, atau naikkan cap"),
    "days_not_rising": Words("jumlah hari harus naik dari langkah ke langkah", "urutkan menurut hari, setiap angka sekali"),
    "steps_falling": Words("lebih banyak hari tidak boleh lebih murah", "naikkan paling sedikit ke persen langkah sebelumnya, {before}"),
    "marks_wrong": Words(
        "marks berisi in dan out masing-masing sekali, dan break paling banyak dua kali",
        "tulis [in, out], [in, break, out] atau [in, break, break, out]",
    ),
    "leave_backwards": Words("to_day lebih awal daripada from_day", "tulis hari yang lebih akhir sebagai to_day"),
    "split_sum": Words("fixed, performance dan attendance harus berjumlah 1", "jumlahnya {sum}; perbaiki salah satunya"),
    "window_backwards": Words("jendela tutup di {close}, sebelum buka di {open}", "tulis saat yang lebih akhir sebagai close"),
    "date_twice": Words("{date} ada pada dua baris", "tulis setiap tanggal pada satu baris saja"),
    "dates_backwards": Words("effective_until lebih awal dari effective_from", "tulis tanggal yang lebih akhir pada effective_until"),
    "no_source": Words("legal_source belum diisi", "sebutkan peraturan dan pasalnya; tanpa itu kebijakan tidak dapat diberlakukan"),
    "tk_free": Words(
        "sehari tanpa keterangan (TK) tidak dipotong", "isi tk_day, tk_day_by_group atau tk_steps; pastikan peraturannya memang begitu",
    ),
    "tk_unlike_missing": Words(
        "tanpa absen masuk dan tanpa absen pulang bersama-sama {both}, sehari tanpa keterangan {tk}",
        "kebanyakan tabel menyamakannya; pastikan peraturannya memang begitu",
    ),
    "tk_unlike_bands": Words(
        "{late} dan {early} bersama-sama {both}, sehari tanpa keterangan {tk}",
        "yang datang dan pulang pada waktu yang salah {word} daripada yang tidak hadir; pastikan peraturannya memang begitu",
    ),
    "uncovered": Words(
        "lebih dari {max} menit tidak masuk rentang mana pun dan tidak dipotong", "biarkan rentang terakhir terbuka (max: null)",
    ),
    "starts_late": Words("menit 1 sampai {last} tidak masuk rentang mana pun dan tidak dipotong", "pastikan toleransi ini memang dimaksud"),
    "falling": Words("{code} lebih murah daripada {before} sebelumnya", "biasanya makin lama makin mahal; cocokkan dengan peraturannya"),
    "same_code": Words("kode {code} berarti {one} dan juga {other}", "beri kode yang berbeda untuk potongan yang berbeda"),
    "unreachable": Words("{code} tidak pernah tercapai: sampai {flex} menit belum terlambat", "cocokkan dengan flex_minutes"),
    "without_effect": Words("{key} tidak berpengaruh {why}", "hapus, atau perbaiki yang berhubungan"),
    "letter_costs": Words(
        "hari ke-{day} cuti sakit {brought} dengan surat dokter dan {none} tanpa surat",
        "tambahkan potongan hari tanpa surat (letter: false), atau wajibkan surat untuk leave.sick dalam aturan persetujuan",
    ),
}  # fmt: skip

_CONNECTING: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "inherited": "in {packs}, which takes this key from {origin}: ", "also": " ({packs} inherits it)", "near": "did you mean {near}? ",
        "cap_of": " (line {line}, {path})", "pays_more": "pays more than one", "pays_less": "pays less than one",
        "by_steps": "beside tk_steps, which set the price of absence", "no_steps": "without tk_steps",
        "no_break": "without break among marks",
    },
    "id": {
        "inherited": "di {packs}, yang mewarisi kunci ini dari {origin}: ", "also": " (diwarisi juga oleh {packs})",
        "near": "mungkin maksudnya {near}? ", "cap_of": " (baris {line}, {path})", "pays_more": "dipotong lebih banyak",
        "pays_less": "dipotong lebih sedikit", "by_steps": "karena tk_steps menentukan potongan tanpa keterangan",
        "no_steps": "tanpa tk_steps", "no_break": "karena break tidak ada di marks",
    },
}


def words(code: str, values: Mapping[str, object], language: Language) -> Words:
    """Sentence and advice of a code with its values filled in; values that are words of ours are turned as well."""
    table, joints = (EN if language == "en" else ID)[code], _CONNECTING[language]
    told = dict(values)
    for key in ("word", "why"):
        if key in told:
            told[key] = joints[str(told[key])]
    if code == "unreadable" and language == "id":
        told["reason"] = told.get("told", told["reason"])
    if code == "unknown_key":
        told["near"] = joints["near"].format(near=told["near"]) if told.get("near") else ""
    if code == "over_cap":
        told["where"] = joints["cap_of"].format(**told) if told.get("path") else ""
    return Words(table.sentence.format(**told), table.advice.format(**told))


def joint(name: str, language: Language, **values: str) -> str:
    """A connecting phrase, such as the one that names the packs which inherit a fault."""
    return _CONNECTING[language][name].format(**values)
