"""Pagi ini: is the morning rush going well? One screen for the officer on duty."""

from deploy.grafana.dashboards.panel import RED, YELLOW, Dashboard, Panel, Query

MORNING = Dashboard(
    uid="hadir-pagi-ini",
    title="Hadir · Pagi ini",
    description="Layar petugas piket: apakah tanda hadir pagi ini diterima, dinilai tepat waktu, dan adil?",
    since="now-3h",
    refresh="10s",
    items=(
        Panel(
            "Tanda hadir per detik",
            "Tanda hadir yang dijawab 202 (diterima) tiap detik, semua jenis.",
            "figure",
            "reqps",
            (Query('sum(rate(hadir_ingest_accepted_total{mark!="work-report"}[$__rate_interval]))'),),
            4,
            4,
            decimals=1,
        ),
        Panel(
            "Dinilai dalam 60 detik",
            "Bagian tanda hadir satu jam terakhir yang harinya dinilai paling lambat 60 detik setelah diterima. "
            "Janji kami: 99,9 %. Tanpa tanda hadir dalam satu jam terakhir: belum ada data.",
            "figure",
            "percentunit",
            (
                Query(
                    'sum(increase(hadir_accepted_to_assessed_seconds_bucket{le="60.0"}[1h]))'
                    " / (sum(increase(hadir_accepted_to_assessed_seconds_count[1h])) > 0)"
                ),
            ),
            4,
            4,
            steps=((0, RED), (0.99, YELLOW), (0.999, "green")),
            decimals=2,
            runbook="HadirAssessedLateFast.md",
        ),
        Panel(
            "Menunggu diproses",
            "Kejadian yang sudah diterima tetapi belum selesai diproses layanan mana pun; nol berarti semua tuntas.",
            "figure",
            "short",
            (Query("sum(max by (service) (hadir_waiting_events))"),),
            4,
            4,
            steps=((5_000, YELLOW), (50_000, RED)),
            decimals=0,
            runbook="HadirStalled.md",
        ),
        Panel(
            "Kenari salah dihukum",
            "Pegawai buatan yang kebenarannya diketahui dan dalam 10 menit terakhir dikenai potongan yang salah. "
            "Harus nol.",
            "figure",
            "short",
            (Query("max(hadir_canary_wrongly_penalised)"),),
            4,
            4,
            steps=((1, RED),),
            decimals=0,
            runbook="HadirCanaryWronglyPenalised.md",
        ),
        Panel(
            "Layanan siap",
            "Bagian proses layanan yang menyatakan diri siap bekerja.",
            "figure",
            "percentunit",
            (Query("avg(hadir_ready)"),),
            4,
            4,
            steps=((0, RED), (0.99, "green")),
            decimals=0,
            runbook="HadirNotReady.md",
        ),
        Panel(
            "Pesan terkubur",
            "Pesan yang tidak dapat diproses siapa pun dan menunggu dilihat petugas.",
            "figure",
            "short",
            (Query("sum(max by (service, reason) (hadir_buried_messages))"),),
            4,
            4,
            steps=((1, YELLOW),),
            decimals=0,
            runbook="HadirDeadLetters.md",
        ),
        Panel(
            "Diterima menurut jenis",
            "Tanda hadir dan laporan kerja yang diterima tiap detik. Puncak wajar: menjelang 07.30 dan sesudah "
            "jam pulang.",
            "areas",
            "reqps",
            (Query("sum by (mark) (rate(hadir_ingest_accepted_total[$__rate_interval]))", "{{mark}}"),),
            12,
        ),
        Panel(
            "Ditolak menurut sebab",
            "Permintaan yang ditolak tiap detik. kafka-unavailable, database-unavailable, not-confirmed dan "
            "overloaded adalah gangguan kami; sisanya salah kirim dari aplikasi.",
            "areas",
            "reqps",
            (
                Query(
                    "sum by (code) (rate(hadir_ingest_refused_total[$__rate_interval])) > 0"
                    " or sum by (code) (rate("
                    "hadir_ingest_refused_total{code=~'overloaded|not-confirmed|kafka-unavailable'}[$__rate_interval]))",
                    "{{code}}",
                ),
            ),
            12,
            runbook="HadirRefusing.md",
        ),
        Panel(
            "Lama dari diterima sampai dinilai",
            "Berapa detik tanda hadir menunggu sampai harinya dinilai: separuhnya, 95 % dan 99 % paling lama sekian.",
            "lines",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate(hadir_accepted_to_assessed_seconds_bucket[$__rate_interval])))",
                    name,
                )
                for q, name in ((0.5, "separuh"), (0.95, "95 %"), (0.99, "99 %"))
            ),
            12,
            runbook="HadirAssessedLateFast.md",
        ),
        Panel(
            "Keputusan tempat",
            "Bagian tanda hadir yang dinilai di dalam, di luar, atau belum pasti. Belum pasti tidak pernah memotong "
            "uang; menunggu manusia. Kenaikan mendadak berarti data lokasi atau perangkat bermasalah.",
            "shares",
            "short",
            (Query("sum by (verdict) (rate(hadir_geofence_located_total[$__rate_interval]))", "{{verdict}}"),),
            12,
            runbook="HadirUnsureShare.md",
        ),
    ),
)
