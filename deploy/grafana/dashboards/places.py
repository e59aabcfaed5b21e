"""WFO/WFA: who works where, unit by unit, and whether marks were made where the duty was."""

from deploy.grafana.dashboards.panel import RED, YELLOW, Dashboard, Panel, Query

_ALL = 'max by (opd, mode, status) (hadir_opd_days{opd=~"$opd"})'
_WORKED = 'max by (opd, mode, status) (hadir_opd_days{opd=~"$opd", mode=~"WFO|WFA"})'
_ANYWHERE = 'max by (opd, mode, status) (hadir_opd_days{opd=~"$opd", mode="WFA"})'
_ABSENT = 'max by (opd, mode, status) (hadir_opd_days{opd=~"$opd", mode=~"WFO|WFA", status="ABSENT"})'
_MISPLACED = 'max by (opd, mode) (hadir_opd_misplaced_days{opd=~"$opd", mode=~"WFO|WFA"})'
_PLANNED = 'max by (org_unit) (hadir_schedule_wfa_share{org_unit=~"$opd", kind="planned"})'
_QUOTA = 'max by (org_unit) (hadir_schedule_scheme_quota{org_unit=~"$opd"})'
_FACT = 'max by (org_unit) (hadir_schedule_wfa_share{org_unit=~"$opd", kind="fact"})'
_OVER_SCHEME = f"clamp_min({_PLANNED} - {_QUOTA}, 0)"
"""Only what is planned is set against the quota: both are of the next day of work, the fact is of the last one."""

PLACES = Dashboard(
    uid="hadir-wfo-wfa",
    title="Hadir · WFO/WFA",
    description="Bagian kerja dari kantor dan dari mana saja per OPD untuk 14 hari terakhir, dan kepatuhan tempatnya.",
    since="now-12h",
    per_unit=True,
    items=(
        Panel(
            "Bagian WFA",
            "Hari kerja yang dijadwalkan dari mana saja, dari semua hari WFO dan WFA.",
            "figure",
            "percentunit",
            (Query(f"(sum({_ANYWHERE}) or vector(0)) / sum({_WORKED})"),),
            6,
            5,
            decimals=1,
        ),
        Panel(
            "Hari dinilai",
            "Hari-pegawai WFO dan WFA yang dinilai.",
            "figure",
            "short",
            (Query(f"sum({_WORKED})"),),
            6,
            5,
            decimals=0,
        ),
        Panel(
            "Patuh tempat",
            "Hari WFO dan WFA tanpa temuan tentang tempat.",
            "figure",
            "percentunit",
            (Query(f"1 - sum({_MISPLACED}) / sum({_WORKED})"),),
            6,
            5,
            steps=((0, RED), (0.9, YELLOW), (0.97, "green")),
            decimals=1,
        ),
        Panel(
            "Tidak hadir",
            "Hari WFO dan WFA tanpa keterangan (ABSENT).",
            "figure",
            "percentunit",
            (Query(f"(sum({_ABSENT}) or vector(0)) / sum({_WORKED})"),),
            6,
            5,
            decimals=1,
        ),
        Panel(
            "WFA per OPD",
            "Bagian WFA tiap OPD dari semua hari yang dinilai, dengan skema atau tanpa skema.",
            "bars",
            "percentunit",
            (
                Query(
                    f"sum by (opd) ({_ANYWHERE}) / sum by (opd) ({_WORKED}) or 0 * sum by (opd) ({_WORKED})", "{{opd}}"
                ),
            ),
            12,
            9,
            decimals=1,
            most=1,
        ),
        Panel(
            "Di luar tempat per OPD",
            "Bagian hari dengan temuan tempat (misalnya WFA di luar wilayah), per OPD.",
            "bars",
            "percentunit",
            (Query(f"sum by (opd) ({_MISPLACED}) / sum by (opd) ({_WORKED})", "{{opd}}"),),
            12,
            9,
            steps=((0.03, YELLOW), (0.1, RED)),
            decimals=1,
            most=1,
        ),
        Panel(
            "WFA dan kuota skema per OPD",
            "Untuk setiap OPD yang punya skema: bagian WFA yang direncanakan untuk hari kerja berikutnya, kuota skema "
            "untuk hari itu, dan bagian WFA menurut tanda hadir pada hari kerja terakhir. Tanpa kuota harian "
            "batangnya kosong.",
            "groups",
            "percentunit",
            (
                Query(_PLANNED, "rencana hari kerja berikutnya"),
                Query(_QUOTA, "kuota skema"),
                Query(_FACT, "kenyataan hari kerja terakhir"),
            ),
            24,
            12,
            decimals=1,
            most=1,
            by="org_unit",
        ),
        Panel(
            "Rencana melebihi skema per OPD",
            "Bagian WFA yang direncanakan untuk hari kerja berikutnya dikurangi kuota skema OPD itu; nol bila tidak "
            "melebihi, atau bila OPD tidak punya skema berkuota.",
            "bars",
            "percentunit",
            (
                Query(
                    f'max by (opd) (label_replace({_OVER_SCHEME}, "opd", "$1", "org_unit", "(.*)"))'
                    f" or 0 * sum by (opd) ({_WORKED})",
                    "{{opd}}",
                ),
            ),
            24,
            8,
            steps=((0.0001, RED),),
            decimals=1,
            most=1,
        ),
        Panel(
            "Hari menurut cara kerja",
            "Hari-pegawai menurut cara kerja; OFF adalah hari tanpa tugas.",
            "bars",
            "short",
            (Query(f"sum by (mode) ({_ALL})", "{{mode}}"),),
            8,
            8,
            decimals=0,
        ),
        Panel(
            "Hari menurut status",
            "Hasil penilaian hari-pegawai WFO dan WFA.",
            "bars",
            "short",
            (Query(f"sum by (mode, status) ({_WORKED})", "{{mode}} {{status}}"),),
            8,
            8,
            decimals=0,
        ),
        Panel(
            "Keputusan tempat",
            "Tanda hadir per detik menurut keputusan tempat.",
            "shares",
            "short",
            (Query("sum by (verdict) (rate(hadir_geofence_located_total[$__rate_interval]))", "{{verdict}}"),),
            8,
            8,
            runbook="HadirUnsureShare.md",
        ),
    ),
)
