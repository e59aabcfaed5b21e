"""Pure decisions of ingest: what a body may say, which point a map link means, who may state what."""
