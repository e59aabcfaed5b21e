"""Pipeline: every hop by itself, for whoever looks for the place where it sticks."""

from deploy.grafana.dashboards.panel import RED, YELLOW, Dashboard, Panel, Query, Row

PIPELINE = Dashboard(
    uid="hadir-pipeline",
    title="Hadir · Pipeline",
    description="Setiap simpul: berapa yang lewat, berapa yang menunggu, apa yang diulang dan apa yang dikubur.",
    items=(
        Row("Aliran"),
        Panel(
            "Kejadian diproses per simpul",
            "Rekaman yang selesai diproses tiap detik, per layanan.",
            "lines",
            "ops",
            (Query("sum by (service) (rate(hadir_batch_size_sum[$__rate_interval]))", "{{service}}"),),
            12,
        ),
        Panel(
            "Diterbitkan ke Kafka",
            "Baris outbox yang diterbitkan tiap detik, per layanan.",
            "lines",
            "ops",
            (Query("sum by (service) (rate(hadir_relayed_total[$__rate_interval]))", "{{service}}"),),
            12,
        ),
        Panel(
            "Menunggu",
            "Kejadian yang belum selesai diproses, dilihat dari luar: juga terisi bila layanannya mati.",
            "lines",
            "short",
            (Query("max by (service) (hadir_waiting_events)", "{{service}}"),),
            8,
            runbook="HadirStalled.md",
        ),
        Panel(
            "Terhenti",
            "Sejak berapa detik ada yang menunggu tanpa satu pun diproses, di jalur yang terlama.",
            "lines",
            "s",
            (Query("max by (service) (hadir_stalled_seconds)", "{{service}}"),),
            8,
            steps=((30, YELLOW), (60, RED)),
            runbook="HadirStalled.md",
        ),
        Panel(
            "Umur saat diproses",
            "Umur rekaman tertua dalam satu transaksi ketika diproses, 99 %, per layanan.",
            "lines",
            "s",
            (
                Query(
                    # The sink gathers for minutes before it writes a file.
                    "histogram_quantile(0.99, sum by (le, service)"
                    ' (rate(hadir_time_lag_seconds_bucket{service!="sink"}[$__rate_interval])))',
                    "{{service}}",
                ),
            ),
            8,
            runbook="HadirAssessedLateFast.md",
        ),
        Row("Transaksi"),
        Panel(
            "Rekaman per transaksi",
            "Rata-rata rekaman dalam satu transaksi; naik bersama beban.",
            "lines",
            "short",
            (
                Query(
                    "sum by (service) (rate(hadir_batch_size_sum[$__rate_interval]))"
                    " / (sum by (service) (rate(hadir_batch_size_count[$__rate_interval])) > 0)",
                    "{{service}}",
                ),
            ),
            8,
        ),
        Panel(
            "Lama transaksi",
            "Lama satu transaksi termasuk ulangannya, 99 %.",
            "lines",
            "s",
            (
                Query(
                    "histogram_quantile(0.99, sum by (le, service) (rate(hadir_batch_seconds_bucket[$__rate_interval])))",
                    "{{service}}",
                ),
            ),
            8,
            runbook="HadirRetrying.md",
        ),
        Panel(
            "Diulang karena gangguan",
            "Pekerjaan yang diulang di tempat karena Kafka atau basis data tidak menjawab, per menit.",
            "lines",
            "short",
            (Query("sum by (service) (increase(hadir_retries_total[1m]))", "{{service}}"),),
            8,
            runbook="HadirRetrying.md",
        ),
        Row("Yang tersisa"),
        Panel(
            "Outbox belum terbit",
            "Baris yang sudah diputuskan tetapi belum sampai ke Kafka.",
            "lines",
            "short",
            (Query("max by (service) (hadir_unpublished_records)", "{{service}}"),),
            8,
            runbook="HadirOutboxStuck.md",
        ),
        Panel(
            "Pesan terkubur",
            "Isi tabel dead_letter menurut layanan dan sebab.",
            "lines",
            "short",
            (
                Query(
                    "sum by (service, reason) (max by (service, reason) (hadir_buried_messages)) > 0 or "
                    "sum by (service) (max by (service, reason) (hadir_buried_messages))",
                    "{{service}} {{reason}}",
                ),
            ),
            8,
            runbook="HadirDeadLetters.md",
        ),
        Panel(
            "Hari menunggu dinilai",
            "Hari-pegawai yang jatuh tempo sekarang dan belum dinilai ulang.",
            "lines",
            "short",
            (Query("sum(hadir_due_days)", "jatuh tempo"),),
            8,
        ),
        Row("Proses"),
        Panel(
            "Siap",
            "Jumlah proses siap per layanan.",
            "lines",
            "short",
            (Query("sum by (job) (hadir_ready)", "{{job}}"),),
            8,
            decimals=0,
            runbook="HadirNotReady.md",
        ),
        Panel(
            "Jalur yang dipegang",
            "Jalur (24 per topik) yang dipegang proses-proses satu layanan; kurang dari 24 berarti sebagian "
            "pegawai tidak dilayani.",
            "lines",
            "short",
            (Query("sum by (service) (hadir_lanes_owned)", "{{service}}"),),
            8,
            decimals=0,
            runbook="HadirStalled.md",
        ),
        Panel(
            "Lubang dan celah",
            "Lubang pengiriman yang dibaca ulang (wajar) dan celah yang tidak dapat dibaca lagi (gawat), per jam.",
            "lines",
            "short",
            (
                Query("sum by (service) (increase(hadir_holes_total[1h]))", "lubang {{service}}"),
                Query("sum by (service) (increase(hadir_gaps_total[1h]))", "celah {{service}}"),
            ),
            8,
            runbook="HadirAcknowledgedLost.md",
        ),
    ),
)
