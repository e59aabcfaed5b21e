"""Keadilan: are people being treated right? What must be 0, and where units differ from each other."""

from deploy.grafana.dashboards.panel import RED, YELLOW, Dashboard, Panel, Query, Row

_UNSURE = (
    'sum by (opd) (max by (opd, verdict) (hadir_opd_marks{opd=~"$opd", verdict="unsure"}))'
    ' / (sum by (opd) (max by (opd, verdict) (hadir_opd_marks{opd=~"$opd"})) > 0)'
)
_OVERTURNED = (
    'sum by (opd) (max by (opd, action) (hadir_opd_violations{opd=~"$opd", action="retracted"}))'
    ' / (sum by (opd) (max by (opd, action) (hadir_opd_violations{opd=~"$opd"})) > 0)'
)
_HELD = (
    'sum by (opd) (max by (opd, mode, status) (hadir_opd_days{opd=~"$opd", status="HELD"}))'
    ' or 0 * sum by (opd) (max by (opd, mode, status) (hadir_opd_days{opd=~"$opd"}))'
)

FAIRNESS = Dashboard(
    uid="hadir-keadilan",
    title="Hadir · Keadilan",
    description="Apakah orang diperlakukan dengan benar? Baris pertama harus nol; baris lain membandingkan OPD.",
    since="now-12h",
    per_unit=True,
    items=(
        Row("Harus nol"),
        Panel(
            "Kenari salah dihukum",
            "Pegawai buatan yang kebenarannya diketahui dan dalam 10 menit terakhir dikenai potongan lebih dari "
            "yang benar.",
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
            "Selisih dengan buku besar",
            "Bulan-pegawai yang jumlahnya berbeda dengan buku besarnya. Bukti yang sama: hadir verify balance.",
            "figure",
            "short",
            (Query("max(hadir_balance_differences)"),),
            5,
            4,
            steps=((1, RED),),
            decimals=0,
            runbook="HadirBalanceBroken.md",
        ),
        Panel(
            "Selisih dengan Kafka",
            "Baris buku besar terbaru yang tidak terbit sebagaimana adanya, atau terbit tanpa ada di buku besar. Bukti "
            "atas semuanya: hadir verify balance --events.",
            "figure",
            "short",
            (Query("max(hadir_balance_event_differences)"),),
            5,
            4,
            steps=((1, RED),),
            decimals=0,
            runbook="HadirBalanceUnpublished.md",
        ),
        Panel(
            "Diterima lalu hilang",
            "Tanda hadir dan laporan yang sudah dijawab 202 tetapi tidak ada di layanan mana pun padahal tidak ada "
            "antrean.",
            "figure",
            "short",
            (Query("max(hadir_acknowledged_missing)"),),
            5,
            4,
            steps=((1, RED),),
            decimals=0,
            runbook="HadirAcknowledgedLost.md",
        ),
        Panel(
            "Rekaman hilang di Kafka",
            "Rekaman yang sudah dihapus Kafka sebelum sempat diproses.",
            "figure",
            "short",
            (Query("sum(max by (service) (hadir_lost_records))"),),
            5,
            4,
            steps=((1, RED),),
            decimals=0,
            runbook="HadirAcknowledgedLost.md",
        ),
        Row("Menunggu keputusan manusia"),
        Panel(
            "Gangguan yang dinyatakan",
            "Gangguan (listrik, jaringan, aplikasi) untuk 14 hari terakhir menurut keadaannya. Selama belum "
            "diputuskan, hari yang terkena ditahan dan tidak memotong.",
            "bars",
            "short",
            (Query("max by (state) (hadir_outages)", "{{state}}"),),
            12,
            7,
        ),
        Panel(
            "Permohonan belum diputuskan",
            "Koreksi yang diajukan dan belum diputuskan, menurut jenisnya.",
            "bars",
            "short",
            (Query("max by (kind) (hadir_corrections_waiting)", "{{kind}}"),),
            12,
            7,
        ),
        Row("Perbandingan antar-OPD (14 hari terakhir)"),
        Panel(
            "Bagian belum pasti",
            "Tanda hadir 24 jam terakhir yang tempatnya belum pasti, per OPD. OPD yang menonjol biasanya punya "
            "titik kantor yang salah atau gedung dengan GPS buruk.",
            "bars",
            "percentunit",
            (Query(_UNSURE, "{{opd}}"),),
            8,
            9,
            steps=((0.05, YELLOW), (0.15, RED)),
            decimals=1,
            most=1,
            runbook="HadirUnsureShare.md",
        ),
        Panel(
            "Bagian yang dibatalkan",
            "Pelanggaran yang kemudian ditarik kembali, per OPD. Tinggi berarti penilaian pertama sering "
            "keliru di sana.",
            "bars",
            "percentunit",
            (Query(_OVERTURNED, "{{opd}}"),),
            8,
            9,
            steps=((0.1, YELLOW), (0.3, RED)),
            decimals=1,
            most=1,
        ),
        Panel(
            "Hari yang ditahan",
            "Hari-pegawai berstatus HELD per OPD: menunggu keputusan dan tidak memotong.",
            "bars",
            "short",
            (Query(_HELD, "{{opd}}"),),
            8,
            9,
            decimals=0,
        ),
        Row("Kenari"),
        Panel(
            "Hari kenari menurut hasil",
            "Hari yang dijalani kenari, per jam: sesuai kebenaran, terlalu mahal, terlalu murah, atau tidak selesai.",
            "areas",
            "short",
            (Query("sum by (outcome) (increase(hadir_canary_days_total[1h]))", "{{outcome}}"),),
            12,
            runbook="HadirCanaryWronglyPenalised.md",
        ),
        Panel(
            "Lama perjalanan kenari",
            "Dari perbuatan kenari sampai dinilai dan sampai dihitung, 99 % paling lama sekian.",
            "lines",
            "s",
            (
                Query(
                    "histogram_quantile(0.99, sum by (le, until) (rate(hadir_canary_seconds_bucket[$__rate_interval])))",
                    "{{until}}",
                ),
            ),
            12,
            runbook="HadirCanaryWaiting.md",
        ),
    ),
)
